//! What a captured frame is.

/// Says what an Ethernet frame brings: `ARP`, `DHCP`, TCP with `data`, TCP without: `TCP`.
pub(crate) fn kind_of(frame: &[u8]) -> &'static str {
    let ip = &frame[14..];
    match (&frame[12..14], frame.get(23)) {
        ([8, 6], _) => "ARP",
        ([8, 0], Some(6)) => {
            let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            let tcp = usize::from(ip[0] & 15) * 4;
            if total > tcp + usize::from(ip[tcp + 12] >> 4) * 4 { "data" } else { "TCP" }
        }
        ([8, 0], Some(17)) if ip[22..24] == [0, 68] => "DHCP",
        other => panic!("neither ARP nor TCP nor DHCP: {other:?}"),
    }
}
