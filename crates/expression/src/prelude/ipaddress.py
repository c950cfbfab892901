class _vb_C_ipaddress:
    pass
_vb_m_ipaddress = _vb_C_ipaddress()
_vb_m_ipaddress.ip_address = ip_address
_vb_m_ipaddress.ip_network = ip_network
_vb_m_ipaddress.IPv4Address = ip_address
_vb_m_ipaddress.IPv6Address = ip_address
_vb_m_ipaddress.IPv4Network = ip_network
_vb_m_ipaddress.IPv6Network = ip_network
