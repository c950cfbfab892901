def _vb_mod(a, b):
    if isinstance(a, str):
        if isinstance(b, dict):
            return _vb_format(a, b)
        if isinstance(b, tuple):
            return _vb_format(a, [x if isinstance(x, (int, float)) else str(x) for x in b])
        return _vb_format(a, [b if isinstance(b, (int, float)) else str(b)])
    return a % b
