import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import javax.servlet.http.Part;

/** What a servlet container finds in a form that is posted here. */
public class Parts extends HttpServlet {
    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException, ServletException {
        request.setCharacterEncoding("UTF-8");
        List<String> parts = new ArrayList<>();
        String error = "null";
        try {
            for (Part part : request.getParts()) {
                parts.add(describe(part));
            }
        } catch (IOException | ServletException | IllegalStateException failure) {
            error = quote(String.valueOf(failure.getMessage()));
        }
        response.setContentType("application/json");
        response.setCharacterEncoding("UTF-8");
        response.getWriter().write("{\"parts\":[" + String.join(",", parts) + "],\"error\":" + error + "}");
    }

    private static String describe(Part part) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
        byte[] buffer = new byte[65536];
        long length = 0;
        try (InputStream stream = part.getInputStream()) {
            for (int count = stream.read(buffer); count >= 0; count = stream.read(buffer)) {
                digest.update(buffer, 0, count);
                length += count;
            }
        }
        StringBuilder sum = new StringBuilder();
        for (byte one : digest.digest()) {
            sum.append(String.format("%02x", one));
        }
        String filename = part.getSubmittedFileName();
        return "{\"name\":" + quote(part.getName()) + ",\"filename\":" + quote(filename) + ",\"type\":"
            + quote(filename == null ? null : part.getContentType()) + ",\"length\":" + length + ",\"sha256\":\"" + sum + "\"}";
    }

    private static String quote(String text) {
        if (text == null) {
            return "null";
        }
        StringBuilder quoted = new StringBuilder("\"");
        for (char one : text.toCharArray()) {
            quoted.append(one < 32 || one == '"' || one == '\\' || one > 126 ? String.format("\\u%04x", (int) one) : String.valueOf(one));
        }
        return quoted.append('"').toString();
    }
}
