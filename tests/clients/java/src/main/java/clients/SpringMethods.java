package clients;

import org.springframework.security.oauth2.client.endpoint.NimbusJwtClientAuthenticationParametersConverter;
import org.springframework.security.oauth2.client.endpoint.OAuth2ClientCredentialsGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientClientCredentialsTokenResponseClient;
import org.springframework.security.oauth2.client.endpoint.RestClientTokenExchangeTokenResponseClient;
import org.springframework.security.oauth2.client.endpoint.TokenExchangeGrantRequest;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.OAuth2AccessToken;

/** Spring Security's client authenticates with a key, and exchanges a token. It has none of the other methods. */
class SpringMethods {
  static String token(Methods.Told told) throws Exception {
    var registration =
        ClientRegistrations.fromIssuerLocation(told.get("issuer"))
            .registrationId("muniment")
            .clientId(told.get("clientId"));
    if (told.get("method").equals("private_key_jwt")) {
      var client = new RestClientClientCredentialsTokenResponseClient();
      var key = told.key();
      client.addParametersConverter(
          new NimbusJwtClientAuthenticationParametersConverter<>(any -> key));
      registration
          .clientAuthenticationMethod(ClientAuthenticationMethod.PRIVATE_KEY_JWT)
          .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS);
      var request = new OAuth2ClientCredentialsGrantRequest(registration.build());
      return client.getTokenResponse(request).getAccessToken().getTokenValue();
    }
    var client = new RestClientTokenExchangeTokenResponseClient();
    client.setParametersCustomizer(parameters -> parameters.add("resource", told.get("api")));
    registration
        .clientSecret(told.get("clientSecret"))
        .authorizationGrantType(AuthorizationGrantType.TOKEN_EXCHANGE);
    var bearer = OAuth2AccessToken.TokenType.BEARER;
    var subject = new OAuth2AccessToken(bearer, told.get("subjectToken"), null, null);
    var request = new TokenExchangeGrantRequest(registration.build(), subject, null);
    return client.getTokenResponse(request).getAccessToken().getTokenValue();
  }
}
