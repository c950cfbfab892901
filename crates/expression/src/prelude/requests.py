class _vb_Response:
    def __init__(self, parts):
        self.status_code = parts[0]
        self.headers = parts[1]
        self.content = parts[2]
        self.text = parts[3]
        self.url = parts[4]
        self.ok = self.status_code < 400
    def json(self):
        import json
        return json.loads(self.text)
    def raise_for_status(self):
        if self.status_code >= 400:
            raise RuntimeError(str(self.status_code) + " Error for url: " + self.url)
class _vb_C_requests:
    def request(self, method, url, **kwargs):
        return _vb_Response(_vb_fetch(method.upper(), url, **kwargs))
    def get(self, url, params=None, **kwargs):
        return self.request("GET", url, params=params, **kwargs)
    def post(self, url, data=None, json=None, **kwargs):
        return self.request("POST", url, data=data, json=json, **kwargs)
    def put(self, url, data=None, json=None, **kwargs):
        return self.request("PUT", url, data=data, json=json, **kwargs)
    def patch(self, url, data=None, json=None, **kwargs):
        return self.request("PATCH", url, data=data, json=json, **kwargs)
    def delete(self, url, **kwargs):
        return self.request("DELETE", url, **kwargs)
    def head(self, url, **kwargs):
        return self.request("HEAD", url, **kwargs)
requests = _vb_C_requests()
