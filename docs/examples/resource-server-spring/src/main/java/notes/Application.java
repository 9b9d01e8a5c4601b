package notes;

import java.util.List;
import java.util.Map;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtIssuerValidator;
import org.springframework.security.oauth2.jwt.JwtTypeValidator;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * An API that verifies Muniment's access tokens by itself (RFC 9068 section 4). Spring Security takes bearer tokens, and
 * tokens that are bound to a key, with their proof (DPoP, RFC 9449), each as what it is.
 */
@SpringBootApplication
@RestController
public class Application {
  public static void main(String[] args) {
    SpringApplication.run(Application.class, args);
  }

  /** Spring's usual decoder takes the typ "JWT" alone; access tokens have "at+jwt" (RFC 9068 section 2.1). */
  @Bean
  JwtDecoder accessTokens(@Value("${issuer}") String issuer, @Value("${audience}") String audience) {
    var decoder =
        NimbusJwtDecoder.withJwkSetUri(issuer + "/openid/jwks")
            .jwsAlgorithm(SignatureAlgorithm.ES256)
            .validateType(false)
            .build();
    decoder.setJwtValidator(
        JwtValidators.createDefaultWithValidators(
            new JwtTypeValidator(List.of("at+jwt", "application/at+jwt")),
            new JwtIssuerValidator(issuer),
            new JwtClaimValidator<List<String>>("aud", aud -> aud != null && aud.contains(audience)),
            new JwtClaimValidator<Object>("exp", exp -> exp != null),
            new JwtClaimValidator<String>("client_id", id -> id != null),
            // A token that is bound to a certificate needs it; this API checks keys only.
            new JwtClaimValidator<Map<String, Object>>("cnf", cnf -> cnf == null || cnf.containsKey("jkt"))));
    return decoder;
  }

  @Bean
  SecurityFilterChain api(HttpSecurity http) throws Exception {
    return http.authorizeHttpRequests(
            requests ->
                requests.requestMatchers("/notes").hasAuthority("SCOPE_notes:read").anyRequest().authenticated())
        .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
        .build();
  }

  @GetMapping("/me")
  Map<String, Object> me(@AuthenticationPrincipal Jwt token) {
    return Map.of("sub", token.getSubject(), "client_id", token.getClaimAsString("client_id"));
  }

  /** The subject is whom the request is for: a person, or the bot that a machine acts as. */
  @GetMapping("/notes")
  Map<String, Object> notes(@AuthenticationPrincipal Jwt token) {
    return Map.of("owner", token.getSubject(), "notes", List.of("Water the plants", "Read RFC 9068"));
  }
}
