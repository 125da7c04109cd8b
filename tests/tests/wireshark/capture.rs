//! A capture file: TCP segments of several connections to port 7680.

/// In the format of libpcap, with bare IPv4 packets.
#[derive(Default)]
pub(crate) struct Capture {
    packets: Vec<Vec<u8>>,
    /// By connection and direction.
    sequence: std::collections::HashMap<(usize, bool), u32>,
}

const RELAY: u16 = 7680;

/// The endpoint's port.
pub(crate) fn port(connection: usize) -> u16 {
    10_000 + u16::try_from(connection).unwrap()
}

impl Capture {
    pub(crate) fn segment(&mut self, connection: usize, to_relay: bool, bytes: &[u8]) {
        let (endpoint, relay) = ([10, 0, 0, 2], [10, 0, 0, 1]);
        let (from, to) = if to_relay { (endpoint, relay) } else { (relay, endpoint) };
        let (source, target) = if to_relay { (port(connection), RELAY) } else { (RELAY, port(connection)) };
        let acknowledged = *self.sequence.entry((connection, !to_relay)).or_insert(1000);
        let sequence = self.sequence.entry((connection, to_relay)).or_insert(1000);
        let mut tcp = [source.to_be_bytes(), target.to_be_bytes()].concat();
        tcp.extend([sequence.to_be_bytes(), acknowledged.to_be_bytes()].concat());
        // 20 bytes of head, PSH and ACK, a window, no checksum
        tcp.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend_from_slice(bytes);
        *sequence += u32::try_from(bytes.len()).unwrap();
        let length = u16::try_from(20 + tcp.len()).unwrap().to_be_bytes();
        let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 6, 0, 0];
        packet.extend([from, to].concat());
        packet.extend(tcp);
        self.packets.push(packet);
    }

    /// The handshake of a WebSocket.
    pub(crate) fn upgrade(&mut self, connection: usize) {
        let request = "GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        self.segment(connection, true, request.as_bytes());
        self.segment(connection, false, response.as_bytes());
    }

    /// Bytes of the joint protocol in one segment, as one message if it is a WebSocket.
    pub(crate) fn say(&mut self, connection: usize, to_relay: bool, websocket: bool, bytes: &[u8]) {
        if !websocket {
            return bytes.chunks(60_000).for_each(|piece| self.segment(connection, to_relay, piece));
        }
        let mask = to_relay.then_some([0x11, 0xa2, 0x73, 0xf4]);
        let bit = if mask.is_some() { 128 } else { 0 };
        let mut frame = vec![0x82];
        match u8::try_from(bytes.len()) {
            Ok(len @ ..126) => frame.push(bit | len),
            _ => {
                frame.push(bit | 126);
                frame.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend(mask.unwrap_or_default().iter().filter(|_| mask.is_some()));
        let mask = mask.unwrap_or_default();
        frame.extend(bytes.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.segment(connection, to_relay, &frame);
    }

    pub(crate) fn file(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut number = |value: u32| value.to_le_bytes();
        // the magic number, version 2.4, the greatest packet, bare IP
        for value in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 101] {
            file.extend(number(value));
        }
        for (at, packet) in (0..).zip(&self.packets) {
            let len = u32::try_from(packet.len()).unwrap();
            file.extend([at / 1000, at % 1000 * 1000, len, len].map(&mut number).concat());
            file.extend_from_slice(packet);
        }
        file
    }
}
