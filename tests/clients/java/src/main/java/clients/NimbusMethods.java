package clients;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.AuthorizationRequest;
import com.nimbusds.oauth2.sdk.AuthorizationResponse;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.PushedAuthorizationRequest;
import com.nimbusds.oauth2.sdk.PushedAuthorizationResponse;
import com.nimbusds.oauth2.sdk.ResponseMode;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.client.ClientInformation;
import com.nimbusds.oauth2.sdk.device.DeviceAuthorizationRequest;
import com.nimbusds.oauth2.sdk.device.DeviceAuthorizationResponse;
import com.nimbusds.oauth2.sdk.device.DeviceCodeGrant;
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.jarm.JARMValidator;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.BearerAccessToken;
import com.nimbusds.oauth2.sdk.token.TokenTypeURI;
import com.nimbusds.oauth2.sdk.tokenexchange.TokenExchangeGrant;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.rp.OIDCClientInformationResponse;
import com.nimbusds.openid.connect.sdk.rp.OIDCClientMetadata;
import com.nimbusds.openid.connect.sdk.rp.OIDCClientRegistrationRequest;
import java.net.URI;

/** Each method by Nimbus's SDK. */
class NimbusMethods {
  private final Methods.Told told;
  private final OIDCProviderMetadata server;
  private final URI callback;
  private final CodeVerifier verifier = new CodeVerifier();
  private final State state = new State();

  private ClientID id;
  private ClientAuthentication authentication;

  NimbusMethods(Methods.Told told) throws Exception {
    this.told = told;
    server = OIDCProviderMetadata.resolve(new Issuer(told.get("issuer")));
    callback = URI.create(told.get("callback"));
    if (told.get("clientId") == null) {
      register();
      return;
    }
    id = new ClientID(told.get("clientId"));
    var key = told.key();
    if (key != null) {
      authentication =
          new PrivateKeyJWT(
              id, server.getTokenEndpointURI(), JWSAlgorithm.ES256, key.toPrivateKey(), key.getKeyID(), null);
    } else if (told.get("clientSecret") != null) {
      authentication = new ClientSecretBasic(id, new Secret(told.get("clientSecret")));
    }
  }

  String token() throws Exception {
    return switch (told.get("method")) {
      case "private_key_jwt", "dpop" -> token(new ClientCredentialsGrant());
      case "device" -> ofADevice();
      case "exchange" ->
          token(
              new TokenExchangeGrant(
                  new BearerAccessToken(told.get("subjectToken")), TokenTypeURI.ACCESS_TOKEN));
      case "par" -> loggedIn(pushed(asked().build()));
      case "jar" -> loggedIn(signed(asked().build()));
      case "jarm" -> loggedIn(asked().responseMode(ResponseMode.JWT).build());
      default -> loggedIn(asked().build());
    };
  }

  private String token(AuthorizationGrant grant) throws Exception {
    var url = server.getTokenEndpointURI();
    var asked =
        authentication == null
            ? new TokenRequest.Builder(url, id, grant)
            : new TokenRequest.Builder(url, authentication, grant);
    if (told.get("method").equals("exchange")) {
      asked.resource(URI.create(told.get("api")));
    }
    var request = asked.build().toHTTPRequest();
    if (told.get("method").equals("dpop")) {
      var key = new ECKeyGenerator(Curve.P_256).generate();
      request.setDPoP(new DefaultDPoPProofFactory(key, JWSAlgorithm.ES256).createDPoPJWT("POST", url));
    }
    var answer = TokenResponse.parse(request.send());
    if (!answer.indicatesSuccess()) {
      throw new IllegalStateException(answer.toErrorResponse().toJSONObject().toString());
    }
    return answer.toSuccessResponse().getTokens().getAccessToken().getValue();
  }

  private AuthorizationRequest.Builder asked() {
    return new AuthorizationRequest.Builder(ResponseType.CODE, id)
        .endpointURI(server.getAuthorizationEndpointURI())
        .redirectionURI(callback)
        .scope(new Scope("openid", "email"))
        .state(state)
        .codeChallenge(verifier, CodeChallengeMethod.S256);
  }

  private AuthorizationRequest pushed(AuthorizationRequest request) throws Exception {
    var pushed =
        new PushedAuthorizationRequest(
            server.getPushedAuthorizationRequestEndpointURI(), authentication, request);
    var answer = PushedAuthorizationResponse.parse(pushed.toHTTPRequest().send());
    return new AuthorizationRequest.Builder(answer.toSuccessResponse().getRequestURI(), id)
        .endpointURI(server.getAuthorizationEndpointURI())
        .build();
  }

  private AuthorizationRequest signed(AuthorizationRequest request) throws Exception {
    var claims =
        new JWTClaimsSet.Builder(request.toJWTClaimsSet())
            .issuer(id.getValue())
            .audience(told.get("issuer"))
            .build();
    var header = new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(told.key().getKeyID()).build();
    var jwt = new SignedJWT(header, claims);
    jwt.sign(new ECDSASigner(told.key()));
    return new AuthorizationRequest.Builder(jwt, id)
        .endpointURI(server.getAuthorizationEndpointURI())
        .build();
  }

  private String loggedIn(AuthorizationRequest request) throws Exception {
    Methods.say("url", request.toURI().toString());
    var back = URI.create(Methods.answer());
    var isSigned = told.get("method").equals("jarm");
    var answer = isSigned ? AuthorizationResponse.parse(back, signatures()) : AuthorizationResponse.parse(back);
    if (!answer.getState().equals(state) || (!isSigned && !answer.getIssuer().equals(server.getIssuer()))) {
      throw new IllegalStateException("not the answer to this request");
    }
    var code = answer.toSuccessResponse().getAuthorizationCode();
    return token(new AuthorizationCodeGrant(code, callback, verifier));
  }

  private JARMValidator signatures() throws Exception {
    return new JARMValidator(server.getIssuer(), id, JWSAlgorithm.ES256, server.getJWKSetURI().toURL());
  }

  private String ofADevice() throws Exception {
    var asked =
        new DeviceAuthorizationRequest.Builder(id)
            .endpointURI(server.getDeviceAuthorizationEndpointURI())
            .scope(new Scope("openid"))
            .build();
    var device =
        DeviceAuthorizationResponse.parse(asked.toHTTPRequest().send()).toSuccessResponse();
    Methods.say("user_code", device.getUserCode().getValue());
    Methods.answer();
    return token(new DeviceCodeGrant(device.getDeviceCode()));
  }

  private void register() throws Exception {
    var metadata = new OIDCClientMetadata();
    metadata.setRedirectionURI(callback);
    metadata.applyDefaults();
    var asked = new OIDCClientRegistrationRequest(server.getRegistrationEndpointURI(), metadata, null);
    ClientInformation client =
        OIDCClientInformationResponse.parse(asked.toHTTPRequest().send()).getClientInformation();
    id = client.getID();
    authentication = new ClientSecretBasic(id, client.getSecret());
  }
}
