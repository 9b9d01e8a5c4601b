package clients;

import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;

/** A client that uses one method of OAuth, as tests/clients/methods.py tells it: by Nimbus's SDK, or by Spring Security. */
public class Methods {
  private static final BufferedReader LINES =
      new BufferedReader(new InputStreamReader(System.in));

  record Told(Map<String, Object> all) {
    String get(String name) {
      return (String) all.get(name);
    }

    @SuppressWarnings("unchecked")
    ECKey key() throws Exception {
      var key = (Map<String, Object>) all.get("key");
      return key == null ? null : ECKey.parse(key);
    }
  }

  public static void main(String[] args) throws Exception {
    var told = new Told(JSONObjectUtils.parse(LINES.readLine()));
    say("token", args[0].equals("spring") ? SpringMethods.token(told) : new NimbusMethods(told).token());
  }

  static void say(String name, String value) {
    System.out.println(JSONObjectUtils.toJSONString(Map.of(name, value)));
  }

  static String answer() throws Exception {
    return LINES.readLine();
  }
}
