"""The clients that Python has for Jira and Rocket.Chat do what avatarctl does, each in a sandbox of its own: what
everybody wears afterwards must be the same, and so must be whether it worked."""

import os
import pathlib
import re
import subprocess
import sys

from table import FOLDER, PROGRAM, SANDBOX, Table

PICTURES = (FOLDER / "samples").absolute()
ADDRESS = "http://domain.tld/to/my/own/avatar.jpg"


def face(name):
    return str(PICTURES / "faces" / name)


# By name: the words for avatarctl, and what the other client does.
JIRA = {
    "select an avatar": (["set", "--user", "robot", "--avatar-id", "24880"], lambda jira: jira.set_user_avatar("robot", "24880")),
    "select one for somebody else": (["set", "--user", "build-bot", "--avatar-id", "24875"],
                                     lambda jira: jira.set_user_avatar("build-bot", "24875")),
    "select one that nobody has": (["set", "--user", "robot", "--avatar-id", "99999"], lambda jira: jira.set_user_avatar("robot", "99999")),
    "for a user who is not there": (["set", "--user", "nobody", "--avatar-id", "24880"], lambda jira: jira.set_user_avatar("nobody", "24880")),
    "upload a square picture": (["set", "--user", "robot", "--image", face("robot.png")],
                                lambda jira: upload(jira, "robot", "robot.png", crop=(0, 0, 256))),
    "upload a wide picture": (["set", "--user", "build-bot", "--image", face("wide.png")],
                              lambda jira: upload(jira, "build-bot", "wide.png", crop=(60, 0, 200))),
    "upload a JPEG": (["set", "--user", "robot", "--image", face("driver.jpg")],
                      lambda jira: upload(jira, "robot", "driver.jpg", crop=(0, 0, 256))),
    "upload in the crop that Jira proposes": (["set", "--user", "robot", "--image", face("robot.png")],
                                              lambda jira: upload(jira, "robot", "robot.png")),
    "upload a picture of 48 pixels": (["set", "--user", "robot", "--image", face("small.png")],
                                      lambda jira: upload(jira, "robot", "small.png", crop=None)),
    "upload a picture of 48 pixels and confirm it": (["set", "--user", "robot", "--image", face("small.png")],
                                                     lambda jira: upload(jira, "robot", "small.png")),
    "delete an avatar that is worn": (["delete", "--user", "deploy-bot", "--avatar-id", "24901"],
                                      lambda jira: jira.delete_user_avatar("deploy-bot", "24901")),
    "delete an avatar that is worn, and mean it": (["delete", "--user", "deploy-bot", "--avatar-id", "24901", "--force"],
                                                   lambda jira: jira.delete_user_avatar("deploy-bot", "24901")),
    "delete a system avatar": (["delete", "--user", "robot", "--avatar-id", "24880"], lambda jira: jira.delete_user_avatar("robot", "24880")),
}
CHAT = {
    "upload for oneself": (["set", "--image", face("robot.png")], lambda chat: chat.users_set_avatar(face("robot.png"))),
    "upload for a name": (["set", "--user", "build-bot", "--image", face("build-bot.png")],
                          lambda chat: chat.users_set_avatar(face("build-bot.png"), username="build-bot")),
    "upload for an id": (["set", "--user-id", "BsNr28znDkG8aeo7W", "--image", face("deploy-bot.gif")],
                         lambda chat: chat.users_set_avatar(face("deploy-bot.gif"), userId="BsNr28znDkG8aeo7W")),
    "an address for oneself": (["set", "--avatar-url", ADDRESS], lambda chat: chat.users_set_avatar(ADDRESS)),
    "an address for a name": (["set", "--user", "build-bot", "--avatar-url", ADDRESS],
                              lambda chat: chat.users_set_avatar(ADDRESS, username="build-bot")),
    "an address that is not there": (["set", "--avatar-url", "http://domain.tld/none.jpg"],
                                     lambda chat: chat.users_set_avatar("http://domain.tld/none.jpg")),
    "for a user who is not there": (["set", "--user", "nobody", "--image", face("robot.png")],
                                    lambda chat: chat.users_set_avatar(face("robot.png"), username="nobody")),
    "reset a name": (["reset", "--user", "retired-bot"], lambda chat: chat.users_reset_avatar(username="retired-bot")),
    "reset an id": (["reset", "--user-id", "rbAXPnMktTFbNpwtJ"], lambda chat: chat.users_reset_avatar(user_id="rbAXPnMktTFbNpwtJ")),
    "reset who wears nothing": (["reset", "--user", "build-bot"], lambda chat: chat.users_reset_avatar(username="build-bot")),
}
JOBS = {"jira": JIRA, "rocketchat": CHAT}
PEERS = {"jira": "pycontribs/jira", "rocketchat": "rocketchat_API"}

NOBODY = ("Jira takes an id that nobody has, and shows the default then; avatarctl looks whether there is such an avatar, and "
          "refuses: nobody asks for that on purpose")
PROPOSED = ("Jira proposes a crop that leaves the edges out, and the other client sends it back as it is; avatarctl sends the "
            "largest square in the middle, and says so where something is lost")
STORED = ("Jira stores a picture of 48 pixels at once, and there is nothing to confirm; the other client confirms it all the same, "
          "and fails")
WORN = "to delete what is worn takes avatarctl a --force, because the account shows the default then"

# By job and what differs: who is right, and why.
KNOWN = {("select one that nobody has", "end"): NOBODY, ("select one that nobody has", "state"): NOBODY,
         ("upload in the crop that Jira proposes", "state"): PROPOSED,
         ("upload a picture of 48 pixels and confirm it", "end"): STORED,
         ("upload a picture of 48 pixels and confirm it", "state"): STORED,
         ("delete an avatar that is worn", "end"): WORN, ("delete an avatar that is worn", "state"): WORN}


def upload(jira, user, name, crop=()):
    """As its documentation has it, with this crop, the one that Jira proposes, or none; then the avatar is selected."""
    kind = {"png": "image/png", "jpg": "image/jpeg"}[name.rpartition(".")[2]]
    with open(face(name), "rb") as picture:
        stored = jira.create_temp_user_avatar(user, face(name), 0, picture.read(), kind)
    if crop is not None:
        named = dict(zip(("cropperOffsetX", "cropperOffsetY", "cropperWidth"), crop))
        stored = jira.confirm_user_avatar(user, named or stored)
    jira.set_user_avatar(user, stored["id"])


def do(peer, system, job):
    """In a sandbox, whose settings stand in the environment."""
    words, call = JOBS[system][job]
    if peer == "avatarctl":
        return subprocess.run([PROGRAM, system, *words], stdin=subprocess.DEVNULL).returncode
    if system == "jira":
        import jira
        client = jira.JIRA(os.environ["JIRA_URL"], basic_auth=(os.environ["JIRA_USER"], os.environ["JIRA_PASSWORD"]), max_retries=0)
        answer = call(client)
        return int(answer is not None and not answer.ok)
    from rocketchat_API.rocketchat import RocketChat
    client = RocketChat(user_id=os.environ["ROCKETCHAT_USER_ID"], auth_token=os.environ["ROCKETCHAT_AUTH_TOKEN"],
                        server_url=os.environ["ROCKETCHAT_URL"])
    answer = call(client)
    return int(not (answer if isinstance(answer, dict) else answer.json())["success"])


def in_a_sandbox(peer, system, job):
    """Whether it worked, what everybody wears then, and what was said."""
    page = FOLDER / f"{peer}.html"
    # Over TLS: Jira's session cookies are for that only, and clients heed it.
    certificate = FOLDER / "sandbox.pem"
    command = [SANDBOX, "--page", str(page), "--tls", str(certificate), "--", sys.executable, __file__, "do", peer, system, job]
    trust = {"SSL_CERT_FILE": str(certificate), "REQUESTS_CA_BUNDLE": str(certificate)}
    output = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, **trust})
    # Etags are made by chance, and what is written later may not be there yet.
    worn = re.sub(r"etag \w+|a picture, its etag still to come", "ETAG", page.read_text())
    return output.returncode == 0, re.sub(r"127\.0\.0\.1:\d+", "HOST", worn), (output.stderr.strip().splitlines() or [""])[-1]


def main():
    table = Table("clients")
    subprocess.run([SANDBOX, "--pictures", str(PICTURES)], check=True, stdout=subprocess.DEVNULL)
    for system, jobs in JOBS.items():
        ends, states = table.row(f"{system}: how it ends", PEERS[system]), table.row(f"{system}: what is worn", PEERS[system])
        for job in jobs:
            mine, worn, said = in_a_sandbox("avatarctl", system, job)
            other, others, answer = in_a_sandbox("peer", system, job)
            ends.case(mine == other, f"{job}: avatarctl {mine} ({said}), the other {other} ({answer})", KNOWN.get((job, "end")))
            differs = [pair for pair in zip(worn.splitlines(), others.splitlines()) if pair[0] != pair[1]]
            shown = [tuple(re.sub(r'src="data:[^"]*"', "", side) for side in pair) for pair in differs[:2]]
            states.case(worn == others, f"{job}: {shown}", KNOWN.get((job, "state")))
    table.write()


if __name__ == "__main__":
    if sys.argv[1:2] == ["do"]:
        sys.exit(do(*sys.argv[2:]))
    main()
