ak_client_ip = _vb_client_ip()
if ak_client_ip is not None:
    ak_client_ip = ip_address(ak_client_ip)
