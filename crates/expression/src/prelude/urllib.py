class _vb_Url:
    def __init__(self, parts):
        self.scheme = parts[0]
        self.netloc = parts[1]
        self.path = parts[2]
        self.params = parts[3]
        self.query = parts[4]
        self.fragment = parts[5]
        user, at, host = self.netloc.rpartition("@")
        self.username = user.partition(":")[0] if at else None
        self.password = user.partition(":")[2] if at and ":" in user else None
        name, colon, port = host.rpartition(":")
        if colon and port.isdigit():
            self.hostname = name.strip("[]").lower() or None
            self.port = int(port)
        else:
            self.hostname = host.strip("[]").lower() or None
            self.port = None
    def geturl(self):
        t = self.path
        if self.netloc:
            t = "//" + self.netloc + t
        if self.scheme:
            t = self.scheme + ":" + t
        if self.query:
            t = t + "?" + self.query
        if self.fragment:
            t = t + "#" + self.fragment
        return t
def _vb_urlsplit(t):
    rest, _, fragment = t.partition("#")
    rest, _, query = rest.partition("?")
    scheme, colon, after = rest.partition(":")
    if colon and scheme and scheme[0].isalpha() and not [c for c in scheme if not (c.isalnum() or c in "+-.")]:
        rest = after
        scheme = scheme.lower()
    else:
        scheme = ""
    netloc = ""
    if rest.startswith("//"):
        netloc, slash, path = rest[2:].partition("/")
        rest = slash + path
    return _vb_Url((scheme, netloc, rest, "", query, fragment))
class _vb_C_parse:
    def urlparse(self, url):
        return _vb_urlsplit(url)
    def urlsplit(self, url):
        return _vb_urlsplit(url)
    def quote(self, string, safe="/"):
        return _vb_quote(str(string), safe, False)
    def quote_plus(self, string, safe=""):
        return _vb_quote(str(string), safe, True)
    def unquote(self, string):
        return _vb_unquote(string, False)
    def unquote_plus(self, string):
        return _vb_unquote(string, True)
    def urlencode(self, query, doseq=False):
        pairs = query.items() if isinstance(query, dict) else query
        out = []
        for k, v in pairs:
            for x in (v if doseq and isinstance(v, (list, tuple)) else [v]):
                out.append(_vb_quote(str(k), "", True) + "=" + _vb_quote(str(x), "", True))
        return "&".join(out)
    def parse_qsl(self, qs, keep_blank_values=False):
        out = []
        for part in qs.split("&"):
            k, _, v = part.partition("=")
            if part and (v or keep_blank_values):
                out.append((_vb_unquote(k, True), _vb_unquote(v, True)))
        return out
    def parse_qs(self, qs, keep_blank_values=False):
        out = {}
        for k, v in self.parse_qsl(qs, keep_blank_values):
            out.setdefault(k, []).append(v)
        return out
class _vb_C_urllib:
    pass
_vb_m_urllib = _vb_C_urllib()
_vb_m_urllib.parse = _vb_C_parse()
