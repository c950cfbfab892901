class _vb_C_random:
    def random(self):
        return _vb_random(9007199254740992) / 9007199254740992
    def randint(self, a, b):
        return a + _vb_random(b - a + 1)
    def randrange(self, a, b=None):
        return _vb_random(a) if b is None else a + _vb_random(b - a)
    def choice(self, seq):
        if len(seq) == 0:
            raise IndexError("Cannot choose from an empty sequence")
        return seq[_vb_random(len(seq))]
    def choices(self, population, k=1):
        return [self.choice(population) for _ in range(k)]
    def sample(self, population, k):
        rest = list(population)
        if k > len(rest):
            raise ValueError("Sample larger than population or is negative")
        return [rest.pop(_vb_random(len(rest))) for _ in range(k)]
    def shuffle(self, x):
        x[:] = self.sample(x, len(x))
    def SystemRandom(self):
        return self
    def randbelow(self, n):
        return _vb_random(n)
    def token_hex(self, nbytes=32):
        return _vb_random_bytes(nbytes).hex()
    def token_bytes(self, nbytes=32):
        return _vb_random_bytes(nbytes)
    def token_urlsafe(self, nbytes=32):
        import base64
        return base64.urlsafe_b64encode(_vb_random_bytes(nbytes)).decode().rstrip("=")
_vb_m_random = _vb_C_random()
_vb_m_secrets = _vb_m_random
