"""A Django project of one file with django-oauth-toolkit: `python server.py` migrates, and `server:application` is served."""

import os
import secrets
import sys
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

DATABASE = urlsplit(os.environ["DATABASE_URL"])
CONNECTIONS = int(os.environ["CONNECTIONS"])
HASHERS = {"one round": "server.OneRound", "as installed": "django.contrib.auth.hashers.PBKDF2PasswordHasher"}


class OneRound(PBKDF2PasswordHasher):
    """Enough for random secrets."""

    algorithm = "pbkdf2_one_round"
    iterations = 1


class HasInitialAccessToken:
    def has_permission(self, request):
        expected = f"Bearer {os.environ['INITIAL_ACCESS_TOKEN']}"
        return secrets.compare_digest(request.headers.get("Authorization", ""), expected)


settings.configure(
    SECRET_KEY=secrets.token_urlsafe(),
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="server",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE.path[1:],
            "USER": DATABASE.username,
            "PASSWORD": unquote(DATABASE.password),
            "HOST": DATABASE.hostname,
            "PORT": DATABASE.port,
            "OPTIONS": {"pool": {"min_size": CONNECTIONS, "max_size": CONNECTIONS}},
        }
    },
    PASSWORD_HASHERS=[HASHERS[os.environ["HASHER"]]],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={
        "SCOPES": {"api:public": "The API", "introspection": "Introspect tokens"},
        "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
        "DCR_ENABLED": True,
        "DCR_REGISTRATION_PERMISSION_CLASSES": ("server.HasInitialAccessToken",),
    },
    DEBUG_PROPAGATE_EXCEPTIONS=True,
)
django.setup()
urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]

if __name__ == "__main__":
    sys.modules["server"] = sys.modules["__main__"]
    call_command("migrate", verbosity=0)
else:
    application = get_wsgi_application()
