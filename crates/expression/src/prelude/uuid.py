class UUID:
    def __init__(self, hex):
        t = str(hex).replace("urn:", "").replace("uuid:", "").strip("{}").replace("-", "").lower()
        if len(t) != 32 or [c for c in t if c not in "0123456789abcdef"]:
            raise ValueError("badly formed hexadecimal UUID string")
        self.hex = t
        self.int = int(t, 16)
        self.version = int(t[12], 16)
        self._text = t[:8] + "-" + t[8:12] + "-" + t[12:16] + "-" + t[16:20] + "-" + t[20:]
    def __str__(self):
        return self._text
    def __repr__(self):
        return "UUID('" + self._text + "')"
    def __eq__(self, other):
        return isinstance(other, UUID) and other.hex == self.hex
    def __hash__(self):
        return hash(self.hex)
def uuid4():
    return UUID(_vb_uuid4())
def uuid5(namespace, name):
    return UUID(_vb_uuid5(str(namespace), name))
class _vb_C_uuid:
    pass
_vb_m_uuid = _vb_C_uuid()
_vb_m_uuid.UUID = UUID
_vb_m_uuid.uuid4 = uuid4
_vb_m_uuid.uuid5 = uuid5
_vb_m_uuid.NAMESPACE_DNS = UUID("6ba7b8109dad11d180b400c04fd430c8")
_vb_m_uuid.NAMESPACE_URL = UUID("6ba7b8119dad11d180b400c04fd430c8")
_vb_m_uuid.NAMESPACE_OID = UUID("6ba7b8129dad11d180b400c04fd430c8")
