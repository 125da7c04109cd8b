//! As much of an MQTT 5 broker, and of a client behind it, as the image with minimq needs: one
//! topic to publish in, one to hear.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Result;
use crate::job::Job;

const TO: &[u8; 7] = b"work/to";
const FROM: &[u8; 9] = b"work/from";

/// Serves one client, until all messages have come back.
pub(crate) fn serve(mut stream: TcpStream) -> Result {
    let mut job = Job::default();
    let mut subscribed = false;
    while !job.is_done() {
        if subscribed {
            while let Some(message) = job.next() {
                send(&mut stream, 0x30, &publish(&message))?;
                job.sent();
            }
        }
        let (kind, body) = receive(&mut stream)?;
        match kind & 0xf0 {
            // CONNECT: a new session, success, no properties
            0x10 => send(&mut stream, 0x20, &[0, 0, 0])?,
            // SUBSCRIBE: its number again, no properties, quality of service 0
            0x80 => {
                let [high, low, ..] = body[..] else { return Err("MQTT: a short SUBSCRIBE".into()) };
                send(&mut stream, 0x90, &[high, low, 0, 0])?;
                subscribed = true;
            }
            // PINGREQ
            0xc0 => send(&mut stream, 0xd0, &[])?,
            // PUBLISH
            0x30 => {
                let payload = body
                    .strip_prefix(&[0, 9])
                    .and_then(|rest| rest.strip_prefix(&FROM[..]))
                    .and_then(|rest| rest.strip_prefix(&[0]));
                let payload = payload.ok_or("MQTT: a PUBLISH in another topic, or with properties")?;
                if !job.came_back(payload) {
                    return Err("MQTT: a message came back wrong".into());
                }
            }
            _ => return Err(format!("MQTT: a packet of kind {kind:#04x}")),
        }
    }
    Ok(())
}

/// A PUBLISH in [`TO`], without properties.
fn publish(payload: &[u8]) -> Vec<u8> {
    [&[0, 7], &TO[..], &[0], payload].concat()
}

fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) -> Result {
    let mut packet = vec![kind];
    let mut length = body.len();
    loop {
        let more = length > 127;
        packet.push((length % 128).to_le_bytes()[0] | u8::from(more) << 7);
        length /= 128;
        if !more {
            break;
        }
    }
    packet.extend(body);
    stream.write_all(&packet).map_err(|error| format!("MQTT: {error}"))
}

fn receive(stream: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let error = |error| format!("MQTT: {error}");
    let mut byte = || {
        let mut byte = [0];
        stream.read_exact(&mut byte).map(|()| byte[0]).map_err(error)
    };
    let kind = byte()?;
    let mut length = 0;
    for place in 0..4 {
        let part = byte()?;
        length |= usize::from(part & 127) << (7 * place);
        if part < 128 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).map_err(error)?;
    Ok((kind, body))
}
