//! Codes and reasons.

use peote_net::Reason;

#[test]
fn every_code_comes_back() {
    for code in 0..=255 {
        assert_eq!(Reason::of_create(code).create_code(), code);
        assert_eq!(Reason::of_enter(code).enter_code(), code);
        assert_eq!(Reason::of_end(code).end_code(), code);
    }
}

#[test]
fn what_the_codes_mean() {
    use Reason::*;
    let create = [Other(0), TooManyChannels, NameInUse, Other(3), Other(4)];
    let enter = [
        Other(0),
        NoSuchChannel,
        OwnChannel,
        AlreadyEntered,
        ChannelFull,
        TooManyChannels,
        Blocked,
        RefusedByServer,
        NoAnswer,
        Other(9),
    ];
    let end = [OnPurpose, ConnectionLost, Kicked, TooSlow, Other(4)];
    for (code, reason) in (0u8..).zip(create) {
        assert_eq!(Reason::of_create(code), reason);
    }
    for (code, reason) in (0u8..).zip(enter) {
        assert_eq!(Reason::of_enter(code), reason);
    }
    for (code, reason) in (0u8..).zip(end) {
        assert_eq!(Reason::of_end(code), reason);
    }
}

/// A reason where it does not belong never turns into another one that does.
#[test]
fn reasons_that_do_not_belong_somewhere() {
    use Reason::*;
    for reason in
        [OnPurpose, ConnectionLost, Kicked, NoSuchChannel, AlreadyEntered, ChannelFull, Blocked, OwnChannel]
    {
        assert_eq!(reason.create_code(), 0);
    }
    for reason in [OnPurpose, ConnectionLost, Kicked, NameInUse, TooSlow] {
        assert_eq!(reason.enter_code(), 0);
    }
    for reason in [
        NameInUse,
        NoSuchChannel,
        AlreadyEntered,
        ChannelFull,
        TooManyChannels,
        Blocked,
        OwnChannel,
        NoAnswer,
        RefusedByServer,
    ] {
        assert_eq!(reason.end_code(), 0);
    }
}

#[test]
fn each_reason_has_words_of_its_own() {
    let mut words: Vec<String> = (0..10)
        .flat_map(|code| [Reason::of_create(code), Reason::of_enter(code), Reason::of_end(code)])
        .map(|reason| reason.to_string())
        .collect();
    words.sort_unstable();
    words.dedup();
    assert!(words.iter().all(|words| !words.is_empty()));
    // 13 named ones, and the unknown ones of codes 0, 3, 4, 5, 6, 7, 8, 9
    assert_eq!(words.len(), 21);
}
