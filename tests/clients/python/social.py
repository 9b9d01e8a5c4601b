"""social-auth's OpenID Connect backend in a Django of one file, as its documentation has it."""

import os
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie

HOME = os.environ["HOME_URL"]
settings.configure(
    DEBUG=True,
    SECRET_KEY="for-the-tests-alone",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "social_django"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    AUTHENTICATION_BACKENDS=["social_core.backends.open_id_connect.OpenIdConnectAuth"],
    SOCIAL_AUTH_OIDC_OIDC_ENDPOINT=os.environ["ISSUER"],
    SOCIAL_AUTH_OIDC_KEY=os.environ["CLIENT_ID"],
    SOCIAL_AUTH_OIDC_SECRET=os.environ["CLIENT_SECRET"],
    LOGIN_REDIRECT_URL="/me",
)
django.setup()


@ensure_csrf_cookie
def login(request):
    hidden = f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(request)}">'
    return HttpResponse(f'<form method="post" action="/login/oidc/">{hidden}<button>Sign in</button></form>')


def me(request):
    return JsonResponse({"email": getattr(request.user, "email", None), "name": request.user.get_full_name()})


urlpatterns = [path("", include("social_django.urls", namespace="social")), path("login", login), path("me", me)]

if __name__ == "__main__":
    execute_from_command_line([sys.argv[0], "migrate", "--verbosity=0", "--run-syncdb"])
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", HOME.removeprefix("http://")])
