class _vb_Hash:
    def __init__(self, name, data):
        self.name = name
        self._data = data
    def update(self, data):
        self._data = self._data + data
    def copy(self):
        return _vb_Hash(self.name, self._data)
    def digest(self):
        return _vb_hash(self.name, self._data)
    def hexdigest(self):
        return self.digest().hex()
class _vb_C_hashlib:
    def new(self, name, data=b"", usedforsecurity=True):
        return _vb_Hash(name, data)
    def md5(self, data=b"", usedforsecurity=True):
        return _vb_Hash("md5", data)
    def sha1(self, data=b"", usedforsecurity=True):
        return _vb_Hash("sha1", data)
    def sha224(self, data=b"", usedforsecurity=True):
        return _vb_Hash("sha224", data)
    def sha256(self, data=b"", usedforsecurity=True):
        return _vb_Hash("sha256", data)
    def sha384(self, data=b"", usedforsecurity=True):
        return _vb_Hash("sha384", data)
    def sha512(self, data=b"", usedforsecurity=True):
        return _vb_Hash("sha512", data)
_vb_m_hashlib = _vb_C_hashlib()
