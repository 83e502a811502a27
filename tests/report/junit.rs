//! The JUnit file of `--junit`: a case for each account.

use crate::support::World;

#[test]
fn a_junit_file_has_a_case_an_account() {
    let mut world = World::new();
    world
        .jira()
        .model()
        .users
        .push(crate::support::jira::User::new(
            "a<b>&\"c'",
            "JIRAUSER10200",
            "Odd",
        ));
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "avatar_id": 10122},
    {"server": "jira", "user": "nobody \u0007\u0000\ufffe<&", "avatar_id": 24880},
    {"server": "jira", "user": "a<b>&\"c'", "avatar_id": 24880},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654}"#,
    );
    let wrong =
        |run: crate::support::Run| run.env("NAVIXY_HASH", "00000000000000000000000000000000");
    let told = wrong(world.run("diff m.json --junit out.xml")).output();
    assert_eq!(told.status, 1, "{told:?}");
    let failures = concat!(
        "    <failure type=\"target\" message=\"look up the avatars of &quot;nobody \\u{7}\\u{0}\u{fffd}&lt;&amp;&quot;: not found: ",
        "The user named &#39;nobody \\u{7}\\u{0}\u{fffd}&lt;&amp;&#39; does not exist\"></failure>\n"
    );
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let rest = concat!(
        "  <testcase classname=\"fleet\" name=\"2132\">\n",
        "    <failure type=\"credentials\" message=\"list employees: the hash is unknown or has expired: User or API key not found or session ended (code 4)\">",
        "hint: make an API key in the web interface, or log in again, and set NAVIXY_HASH; a hash of the admin panel does not work here</failure>\n",
        "  </testcase>\n",
        "  <testcase classname=\"fleet\" name=\"2133\">\n",
        "    <skipped message=\"fleet refused the credentials\"/>\n",
        "  </testcase>\n",
        "</testsuite>\n"
    );
    assert_eq!(
        world.scratch.read("out.xml"),
        format!(
            "{head}<testsuite name=\"avatarctl diff\" tests=\"6\" failures=\"4\" errors=\"0\" skipped=\"1\">\n  \
             <testcase classname=\"jira\" name=\"robot\">\n    \
             <failure type=\"pending\" message=\"wanted: avatar 24880\"/>\n  \
             </testcase>\n  \
             <testcase classname=\"jira\" name=\"build-bot\"/>\n  \
             <testcase classname=\"jira\" name=\"nobody \\u{{7}}\\u{{0}}\u{fffd}&lt;&amp;\">\n\
             {failures}  \
             </testcase>\n  \
             <testcase classname=\"jira\" name=\"a&lt;b&gt;&amp;&quot;c&#39;\">\n    \
             <failure type=\"pending\" message=\"wanted: avatar 24880\"/>\n  \
             </testcase>\n{rest}"
        )
    );
    let told = wrong(world.run("apply m.json --junit out.xml")).output();
    assert_eq!(told.status, 1, "{told:?}");
    assert_eq!(
        world.scratch.read("out.xml"),
        format!(
            "{head}<testsuite name=\"avatarctl apply\" tests=\"6\" failures=\"2\" errors=\"0\" skipped=\"1\">\n  \
             <testcase classname=\"jira\" name=\"robot\"/>\n  \
             <testcase classname=\"jira\" name=\"build-bot\"/>\n  \
             <testcase classname=\"jira\" name=\"nobody \\u{{7}}\\u{{0}}\u{fffd}&lt;&amp;\">\n\
             {failures}  \
             </testcase>\n  \
             <testcase classname=\"jira\" name=\"a&lt;b&gt;&amp;&quot;c&#39;\"/>\n{rest}"
        )
    );
    let told = world
        .run("apply m.json --only jira/robot --junit nowhere/out.xml")
        .output();
    told.gives(
        66,
        "",
        "avatarctl: --junit: there is no folder \"nowhere\"\n",
    );
}
