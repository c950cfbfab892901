class IPv4Address:
    def __init__(self, parts):
        self.version = parts[0]
        self._text = parts[1]
        self._value = parts[2]
        self.is_private = parts[3]
        self.is_loopback = parts[4]
        self.is_link_local = parts[5]
        self.is_multicast = parts[6]
        self.is_global = parts[7]
        self.compressed = self._text
        self.exploded = self._text
    def __str__(self):
        return self._text
    def __repr__(self):
        return "IPv4Address('" + self._text + "')" if self.version == 4 else "IPv6Address('" + self._text + "')"
    def __eq__(self, other):
        return isinstance(other, IPv4Address) and other._text == self._text
    def __hash__(self):
        return hash(self._text)
    def __int__(self):
        return int(self._value, 16)
class IPv4Network:
    def __init__(self, parts):
        self.version = parts[0]
        self._text = parts[1]
        self._first = parts[2]
        self._last = parts[3]
        self.prefixlen = parts[4]
        self._ends = (parts[5], parts[6])
    def __str__(self):
        return self._text
    def __repr__(self):
        return "IPv4Network('" + self._text + "')"
    def __eq__(self, other):
        return isinstance(other, IPv4Network) and other._text == self._text
    def __hash__(self):
        return hash(self._text)
    def __contains__(self, address):
        if not isinstance(address, IPv4Address):
            return False
        return address.version == self.version and self._first <= address._value and address._value <= self._last
    def overlaps(self, other):
        return self.version == other.version and self._first <= other._last and other._first <= self._last
    def subnet_of(self, other):
        return self.version == other.version and other._first <= self._first and self._last <= other._last
def ip_address(text):
    return IPv4Address(_vb_address(str(text)))
def ip_network(text, strict=True):
    return IPv4Network(_vb_network(str(text), strict))
