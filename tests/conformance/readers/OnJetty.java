import java.io.File;
import java.nio.file.Files;
import javax.servlet.MultipartConfigElement;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;

/** Serves {@link Parts} in Jetty on a free port, prints the port, and ends with its standard input. */
public class OnJetty {
    public static void main(String[] arguments) throws Exception {
        File folder = Files.createTempDirectory("parts").toFile();
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler();
        context.setContextPath("/");
        ServletHolder holder = new ServletHolder(new Parts());
        holder.getRegistration().setMultipartConfig(new MultipartConfigElement(folder.getPath()));
        context.addServlet(holder, "/*");
        server.setHandler(context);
        server.start();
        System.out.println(connector.getLocalPort());
        while (System.in.read() >= 0) { }
        System.exit(0);
    }
}
