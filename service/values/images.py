"""The kinds of images that every browser shows and that contain no script. SVG, which may contain one, is none of them."""

TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")


def type_of(body: bytes) -> str | None:
    """Return the media type that the first bytes say, whatever anybody else says of the image (WHATWG MIME Sniffing section 6.1)."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith(b"RIFF") and body[8:14] == b"WEBPVP":
        return "image/webp"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return None
