// An API that verifies Muniment's access tokens by itself (RFC 9068 section 4), with go-oidc.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

type claims struct {
	Subject  string          `json:"sub"`
	ClientID string          `json:"client_id"`
	Scope    string          `json:"scope"`
	Binding  json.RawMessage `json:"cnf"`
}

type api struct{ verifier *oidc.IDTokenVerifier }

func main() {
	issuer := setting("ISSUER", "http://127.0.0.1:8000")
	// This API's own URL: clients name it as `resource` when they ask for a token.
	audience := setting("AUDIENCE", "http://127.0.0.1:8003")
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		log.Fatal(err)
	}
	// It checks signature, issuer, audience and expiry. What a token itself says of its algorithm is not to be trusted.
	notes := api{provider.Verifier(&oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{oidc.ES256}})}
	http.HandleFunc("GET /me", notes.needs("", me))
	http.HandleFunc("GET /notes", notes.needs("notes:read", readNotes))
	log.Fatal(http.ListenAndServe(setting("ADDRESS", "127.0.0.1:8003"), nil))
}

func setting(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

// needs answers with the handler if the request has a valid access token with this scope ("" is none).
func (a api) needs(scope string, then func(http.ResponseWriter, claims)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			refuse(w, http.StatusUnauthorized, "Bearer")
			return
		}
		caller, err := a.verified(r.Context(), strings.TrimSpace(token))
		switch {
		case err != nil:
			refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
		case scope != "" && !slices.Contains(strings.Fields(caller.Scope), scope):
			refuse(w, http.StatusForbidden, fmt.Sprintf(`Bearer error="insufficient_scope", scope=%q`, scope))
		default:
			then(w, caller)
		}
	}
}

func (a api) verified(ctx context.Context, token string) (claims, error) {
	var found claims
	if !isAccessToken(token) {
		return found, fmt.Errorf("not an access token (typ at+jwt)")
	}
	verified, err := a.verifier.Verify(ctx, token)
	if err != nil {
		return found, err
	}
	if err := verified.Claims(&found); err != nil {
		return found, err
	}
	if found.ClientID == "" || found.Binding != nil {
		// A token that is bound to a key is worth nothing without a proof, which this example does not check.
		return found, fmt.Errorf("a token of no client, or one that is bound to a key")
	}
	return found, nil
}

// isAccessToken reads the type. An ID token has the same issuer and the same keys.
func isAccessToken(token string) bool {
	first, _, _ := strings.Cut(token, ".")
	var header struct {
		Type string `json:"typ"`
	}
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || json.Unmarshal(text, &header) != nil {
		return false
	}
	return slices.Contains([]string{"at+jwt", "application/at+jwt"}, strings.ToLower(header.Type))
}

// refuse tells the client why (RFC 6750 section 3).
func refuse(w http.ResponseWriter, status int, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	http.Error(w, http.StatusText(status), status)
}

func me(w http.ResponseWriter, caller claims) {
	answer(w, map[string]any{"sub": caller.Subject, "client_id": caller.ClientID, "scope": caller.Scope})
}

// The subject is whom the request is for: a person, or the bot that a machine acts as.
func readNotes(w http.ResponseWriter, caller claims) {
	answer(w, map[string]any{"owner": caller.Subject, "notes": []string{"Water the plants", "Read RFC 9068"}})
}

func answer(w http.ResponseWriter, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
