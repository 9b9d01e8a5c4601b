"""The key that signs the checkpoints of both trees. It is the service's own, outlives a master key, and is wrapped by it."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.database import AnyConnection
from events.transparency.notes import ED25519, SignerKey
from events.transparency.trees import BOTH, Tree
from service.vault import personal_data

PURPOSE = "checkpoints"


class LogKey:
    """One per process."""

    def __init__(self, issuer: str, master_key: bytes) -> None:
        self._issuer = issuer
        self._seal = personal_data.wrapping(master_key)
        self._private: Ed25519PrivateKey | None = None

    async def signer(self, connection: AnyConnection, tree: Tree) -> SignerKey:
        """Return the key under the name of this tree. The first use of the database makes it. Raises WrongMasterKey."""
        if self._private is None:
            own = await personal_data.own_key(connection, self._seal, PURPOSE)
            self._private = Ed25519PrivateKey.from_private_bytes(own)
        return SignerKey(tree.origin(self._issuer), ED25519, self._private)

    async def verifiers(self, connection: AnyConnection) -> str:
        """Return the verifier keys of both trees, one on a line (vkey)."""
        keys = [(await self.signer(connection, tree)).verifier for tree in BOTH]
        return "".join(f"{key}\n" for key in keys)
