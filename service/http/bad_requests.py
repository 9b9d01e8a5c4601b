"""What is said to a client whose bytes are no request that is read to its end. Its connection closes after that."""

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
INVALID = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 30\r\n\r\n"
    b"The request is not valid HTTP."
)


class HeadTooLarge(Exception):
    """The head that is being parsed is longer than a head may be."""
