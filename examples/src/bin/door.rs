//! A channel with a password: `door RELAY PASSWORD` serves it, and with a NAME behind it enters it.

use peote_net::link::{Admission, Event, Mode, SendError};
use peote_net_std::DesktopLink;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [relay, password, name @ ..] = &arguments[..] else {
        return Err("usage: door RELAY PASSWORD [NAME]".into());
    };
    let mut link = DesktopLink::connect(relay)?;
    let Some(name) = name.first() else { return serve(link, password) };
    let club = link.enter_with("club", Mode::default(), password)?;
    link.run(|event, out| match event {
        Event::Opened { .. } => out.send(club, format!("hello from {name}").as_bytes()),
        Event::Refused { words, .. } => say("refused: ", words),
        other => other.ok(),
    })?;
    Ok(())
}

fn serve(mut link: DesktopLink, password: &str) -> Result<(), Box<dyn std::error::Error>> {
    let club = link.create("club", Mode::default())?;
    link.out().set_admission(club, Admission::Ask)?;
    link.run(|event, out| match event {
        Event::Opened { .. } => say("", b"the club is open"),
        Event::Knock { channel, user, words } if words == password.as_bytes() => out.admit(channel, user),
        Event::Knock { channel, user, .. } => out.refuse(channel, user, "wrong password"),
        Event::Chunk { bytes, .. } => say("", bytes),
        other => other.ok(),
    })?;
    Ok(())
}

fn say(what: &str, text: &[u8]) -> Result<(), SendError> {
    println!("{what}{}", text.escape_ascii());
    Ok(())
}
