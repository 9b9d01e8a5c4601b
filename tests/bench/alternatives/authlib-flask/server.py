"""An authorization server of Authlib, Flask and Flask-SQLAlchemy, as Authlib's documentation builds one: opaque tokens in Postgres."""

import os
import secrets
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.sqla_oauth2 import (
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_query_client_func,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

SCOPE = "api:public"
app = Flask(__name__)
app.config.update(
    SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"),
    SQLALCHEMY_ENGINE_OPTIONS={"pool_size": int(os.environ["CONNECTIONS"])},
    OAUTH2_SCOPES_SUPPORTED=[SCOPE],
    OAUTH2_TOKEN_EXPIRES_IN={"client_credentials": 3600},
)
db = SQLAlchemy(app)


class Client(db.Model, OAuth2ClientMixin):
    id = db.Column(db.Integer, primary_key=True)


class Token(db.Model, OAuth2TokenMixin):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer)


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def query_token(self, token_string, token_type_hint):
        return db.session.scalar(select(Token).filter_by(access_token=token_string))

    def check_permission(self, token, client, request):
        return True

    def introspect_token(self, token):
        return {
            "active": not token.is_expired() and not token.is_revoked(),
            "client_id": token.client_id,
            "scope": token.scope,
            "token_type": token.token_type,
            "exp": token.issued_at + token.expires_in,
            "iat": token.issued_at,
        }


class Registration(ClientRegistrationEndpoint):
    def authenticate_token(self, request):
        expected = f"Bearer {os.environ['INITIAL_ACCESS_TOKEN']}"
        return secrets.compare_digest(request.headers.get("Authorization", ""), expected) or None

    def get_server_metadata(self):
        return {
            "scopes_supported": [SCOPE],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def save_client(self, client_info, client_metadata, request):
        client = Client(**client_info)
        client.set_client_metadata(client_metadata)
        db.session.add(client)
        db.session.commit()
        return client

    def generate_client_info(self, request):
        now = int(time.time())
        made = {"client_id": secrets.token_urlsafe(18), "client_secret": secrets.token_urlsafe(32)}
        return {**made, "client_id_issued_at": now, "client_secret_expires_at": 0}


server = AuthorizationServer(
    app,
    query_client=create_query_client_func(db.session, Client),
    save_token=create_save_token_func(db.session, Token),
)
server.register_grant(ClientCredentials)
server.register_endpoint(Introspection)
server.register_endpoint(Registration)
with app.app_context():
    db.create_all()


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/introspect")
def introspect():
    return server.create_endpoint_response("introspection")


@app.post("/register")
def register():
    return server.create_endpoint_response("client_registration")
