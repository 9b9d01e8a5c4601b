"""mozilla-django-oidc in a Django of one file, as its documentation has it."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import JsonResponse
from django.urls import include, path

ISSUER, HOME = os.environ["ISSUER"], os.environ["HOME_URL"]
settings.configure(
    DEBUG=True,
    SECRET_KEY="for-the-tests-alone",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "mozilla_django_oidc",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    AUTHENTICATION_BACKENDS=["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
    OIDC_RP_CLIENT_ID=os.environ["CLIENT_ID"],
    OIDC_RP_CLIENT_SECRET=os.environ["CLIENT_SECRET"],
    OIDC_OP_AUTHORIZATION_ENDPOINT=f"{ISSUER}/openid/authorize",
    OIDC_OP_TOKEN_ENDPOINT=f"{ISSUER}/openid/token",
    OIDC_OP_USER_ENDPOINT=f"{ISSUER}/openid/userinfo",
    OIDC_OP_JWKS_ENDPOINT=f"{ISSUER}/openid/jwks",
    OIDC_RP_SIGN_ALGO="RS256",
    LOGIN_REDIRECT_URL="/me",
)


def me(request):
    return JsonResponse({"email": getattr(request.user, "email", None)})


urlpatterns = [path("oidc/", include("mozilla_django_oidc.urls")), path("me", me)]

if __name__ == "__main__":
    execute_from_command_line([sys.argv[0], "migrate", "--verbosity=0", "--run-syncdb"])
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", HOME.removeprefix("http://")])
