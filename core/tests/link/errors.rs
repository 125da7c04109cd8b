//! Errors in words.

use std::collections::HashSet;
use std::error::Error as _;

use embedded_io::ErrorKind;
use peote_net::link::{Error, SendError, User};
use peote_net::time::Duration;

#[test]
fn each_error_has_words_of_its_own_and_its_numbers() {
    let errors = [
        (SendError::WouldBlock, ""),
        (SendError::NotOpen, ""),
        (SendError::Empty, ""),
        (SendError::ChunkTooLarge { len: 777, max: 555 }, "777 555"),
        (SendError::QueueTooSmall { needed: 777, capacity: 555 }, "777 555"),
        (SendError::NameTooLong { len: 777 }, "777"),
        (SendError::ChunkLimit { max: 777, chunk_size: 555 }, "777 555"),
        (SendError::TooManyOwnChannels, ""),
        (SendError::TooManyParties, ""),
        (SendError::TooManyEnteredChannels, "128"),
        (SendError::TooManyCommands, "255"),
        (SendError::ChunkUnfinished, ""),
        (SendError::NoChunkBegun, ""),
        (SendError::ChunkOverrun { left: 777 }, "777"),
    ];
    let mut words = HashSet::new();
    for (error, numbers) in errors {
        let said = error.to_string();
        assert!(numbers.split_whitespace().all(|number| said.contains(number)), "{said}");
        assert_eq!(Error::<ErrorKind>::Handler(error).to_string(), said);
        assert!(words.insert(said));
    }
    for error in [
        Error::<ErrorKind>::Transport(ErrorKind::BrokenPipe),
        Error::Closed,
        Error::Silent { duration: Duration::from_millis(777) },
    ] {
        assert!(words.insert(error.to_string()));
    }
    assert!(Error::<ErrorKind>::Silent { duration: Duration::from_millis(777) }.to_string().contains("777"));
}

#[test]
fn an_error_names_its_source() {
    let source = |error: Error<ErrorKind>| error.source().map(ToString::to_string);
    assert_eq!(source(Error::Transport(ErrorKind::BrokenPipe)), Some(ErrorKind::BrokenPipe.to_string()));
    // it is passed on as it is, and has none
    assert_eq!(source(Error::Handler(SendError::NotOpen)), None);
    assert_eq!(source(Error::Closed), None);
    assert_eq!(source(Error::Silent { duration: Duration::ZERO }), None);
}

#[test]
fn a_user_is_its_number() {
    assert_eq!(User::new(200).to_string(), "user 200");
    assert!(User::new(9) < User::new(10));
}
