def _vb_weigh(v):
    n = 0
    todo = [v]
    while todo:
        x = todo.pop()
        if isinstance(x, dict):
            x = x.values()
        elif not isinstance(x, (list, tuple, set, frozenset)):
            continue
        n += len(x)
        if n > 100000:
            raise MemoryError("output")
        todo.extend([c for c in x if isinstance(c, (dict, list, tuple, set, frozenset))])
    return v
