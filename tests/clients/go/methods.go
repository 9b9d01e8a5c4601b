package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Told is what tests/clients/methods.py tells a program.
type Told struct {
	Issuer, Method, API, ClientID, ClientSecret, SubjectToken string
	Key                                                       jose.JSONWebKey
}

// uses one method of OAuth, as the first line says, by go-oidc's endpoints and x/oauth2. What these two do not have is made by go-jose.
func uses(ctx context.Context) {
	lines := bufio.NewReader(os.Stdin)
	line, err := lines.ReadBytes('\n')
	good(err)
	var told Told
	good(json.Unmarshal(line, &told))
	provider, err := oidc.NewProvider(ctx, told.Issuer)
	good(err)
	machine := clientcredentials.Config{
		ClientID: told.ClientID, ClientSecret: told.ClientSecret, TokenURL: provider.Endpoint().TokenURL,
	}
	var token *oauth2.Token
	switch told.Method {
	case "private_key_jwt":
		machine.AuthStyle = oauth2.AuthStyleInParams
		machine.EndpointParams = url.Values{
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {assertion(told)},
		}
		token, err = machine.Token(ctx)
	case "exchange":
		machine.EndpointParams = url.Values{
			"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
			"subject_token":      {told.SubjectToken},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
			"resource":           {told.API},
		}
		token, err = machine.Token(ctx)
	case "device":
		config := oauth2.Config{
			ClientID: told.ClientID, ClientSecret: told.ClientSecret, Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID},
		}
		device, asked := config.DeviceAuth(ctx)
		good(asked)
		say(map[string]string{"user_code": device.UserCode})
		_, err = lines.ReadBytes('\n')
		good(err)
		token, err = config.DeviceAccessToken(ctx, device)
	}
	good(err)
	say(map[string]string{"token": token.AccessToken})
}

func assertion(told Told) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: told.Key}, nil)
	good(err)
	now := time.Now()
	signed, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: told.ClientID, Subject: told.ClientID, Audience: jwt.Audience{told.Issuer},
		ID: uuid.NewString(), IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Minute)),
	}).Serialize()
	good(err)
	return signed
}

func say(what map[string]string) {
	text, err := json.Marshal(what)
	good(err)
	fmt.Println(string(text))
}

func good(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
