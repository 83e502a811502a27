import java.io.File;
import java.nio.file.Files;
import javax.servlet.MultipartConfigElement;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;

/** Serves {@link Parts} in Tomcat on a free port, prints the port, and ends with its standard input. */
public class OnTomcat {
    public static void main(String[] arguments) throws Exception {
        File folder = Files.createTempDirectory("parts").toFile();
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(folder.getPath());
        tomcat.setHostname("127.0.0.1");
        tomcat.setPort(0);
        tomcat.getConnector().setMaxPostSize(-1);
        tomcat.getConnector().setProperty("maxPartCount", "-1");
        Context context = tomcat.addContext("", folder.getPath());
        Wrapper wrapper = Tomcat.addServlet(context, "parts", new Parts());
        wrapper.setMultipartConfigElement(new MultipartConfigElement(folder.getPath()));
        context.addServletMappingDecoded("/*", "parts");
        tomcat.start();
        System.out.println(tomcat.getConnector().getLocalPort());
        while (System.in.read() >= 0) { }
        System.exit(0);
    }
}
