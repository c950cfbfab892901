_vb_network_alone = ip_network
def ip_network(text, strict=True):
    network = _vb_network_alone(text, strict)
    network.network_address = IPv4Address(network._ends[0])
    network.broadcast_address = IPv4Address(network._ends[1])
    return network
