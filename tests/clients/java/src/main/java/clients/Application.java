package clients;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.ClientID;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
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

/** A login client at / and a resource server at /api, the former as Spring Boot configures it from application.yaml. */
@SpringBootApplication
@RestController
public class Application {
  public static void main(String[] args) {
    SpringApplication.run(Application.class, args);
  }

  /** Spring's usual decoder takes the typ "JWT" alone; access tokens have "at+jwt" (RFC 9068 section 2.1). */
  @Bean
  JwtDecoder accessTokens(@Value("${ISSUER}") String issuer) {
    var decoder = NimbusJwtDecoder.withIssuerLocation(issuer).validateType(false).build();
    decoder.setJwtValidator(
        JwtValidators.createDefaultWithValidators(
            new JwtTypeValidator(List.of("at+jwt")),
            new JwtIssuerValidator(issuer),
            new JwtClaimValidator<List<String>>("aud", aud -> aud.contains(issuer))));
    return decoder;
  }

  @Bean
  @Order(0)
  SecurityFilterChain open(HttpSecurity http) throws Exception {
    return http.securityMatcher("/nimbus")
        .authorizeHttpRequests(requests -> requests.anyRequest().permitAll())
        .build();
  }

  @Bean
  @Order(1)
  SecurityFilterChain api(HttpSecurity http) throws Exception {
    return http.securityMatcher("/api/**")
        .authorizeHttpRequests(requests -> requests.anyRequest().hasAuthority("SCOPE_api:public"))
        .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
        .build();
  }

  @Bean
  @Order(2)
  SecurityFilterChain pages(HttpSecurity http) throws Exception {
    return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
        .oauth2Login(Customizer.withDefaults())
        .build();
  }

  @GetMapping("/me")
  Map<String, Object> me(@AuthenticationPrincipal OidcUser user) {
    return Map.of("sub", user.getSubject(), "email", user.getEmail(), "name", user.getFullName());
  }

  /** A machine whose token is bound to a key (RFC 9449) calls Muniment's API, by Nimbus's SDK. */
  @GetMapping("/nimbus")
  Map<String, Object> nimbus(
      @Value("${ISSUER}") String issuer,
      @Value("${MACHINE_ID}") String id,
      @Value("${MACHINE_SECRET}") String secret)
      throws Exception {
    var proofs =
        new DefaultDPoPProofFactory(new ECKeyGenerator(Curve.P_256).generate(), JWSAlgorithm.ES256);
    var asked =
        new TokenRequest.Builder(
                URI.create(issuer + "/openid/token"),
                new ClientSecretBasic(new ClientID(id), new Secret(secret)),
                new ClientCredentialsGrant())
            .build()
            .toHTTPRequest();
    asked.setDPoP(proofs.createDPoPJWT("POST", asked.getURI()));
    var token =
        TokenResponse.parse(asked.send()).toSuccessResponse().getTokens().getDPoPAccessToken();
    var call =
        new HTTPRequest(HTTPRequest.Method.GET, URI.create(issuer + "/api/v1/auth/clients"));
    call.setAuthorization(token.toAuthorizationHeader());
    call.setDPoP(proofs.createDPoPJWT("GET", call.getURI(), token));
    return Map.of("type", token.getType().getValue(), "status", call.send().getStatusCode());
  }

  @GetMapping("/api/me")
  Map<String, Object> api(@AuthenticationPrincipal Jwt token) {
    return Map.of("sub", token.getSubject(), "client_id", token.getClaimAsString("client_id"));
  }
}
