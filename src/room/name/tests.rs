//! Tests of cleaning and comparing names.

use proptest::prelude::*;

use super::*;

#[test]
fn a_name_loses_what_cannot_be_seen() {
    assert_eq!(
        clean_name("  ada \t lovelace\r\n").as_deref(),
        Some("ada lovelace")
    );
    assert_eq!(clean_name("a\u{1b}[31mda").as_deref(), Some("a[31mda"));
    assert_eq!(
        clean_name("a\u{200b}d\u{202e}a\u{feff}").as_deref(),
        Some("ada")
    );
    assert_eq!(clean_name("a\u{2028}b").as_deref(), Some("a b"));
    assert_eq!(clean_name("\u{301}a").as_deref(), Some("a"));
}

#[test]
fn a_name_loses_what_could_end_it_in_a_line() {
    assert_eq!(clean_name("SERVER: hi").as_deref(), Some("SERVER hi"));
    for colon in ["\u{a789}", "\u{ff1a}", "\u{2236}", "\u{589}"] {
        assert_eq!(
            clean_name(&format!("a{colon}b")).as_deref(),
            Some("ab"),
            "{colon}"
        );
    }
    assert_eq!(clean_name("a” joined. “b").as_deref(), Some("a joined. b"));
    // The characters around it compose.
    assert_eq!(clean_name("e:\u{301}").as_deref(), Some("é"));
}

#[test]
fn a_name_with_nothing_left_is_an_empty_one() {
    for nothing in [
        "",
        "   ",
        ":",
        "\u{200b}\u{202e}",
        "\0\u{7}",
        "\u{3164}\u{2800}",
    ] {
        assert_eq!(clean_name(nothing), None, "{nothing:?}");
        assert_eq!(name_or_default(nothing), DEFAULT_NAME);
    }
}

#[test]
fn a_name_is_cut_to_its_limit_in_characters() {
    assert_eq!(clean_name(&"ż".repeat(40)).unwrap(), "ż".repeat(32));
    // It never ends with a space.
    let name = clean_name(&format!("{} b", "a".repeat(31))).unwrap();
    assert_eq!(name, "a".repeat(31));
}

#[test]
fn no_more_of_a_wanted_name_is_looked_at_than_its_start() {
    let end = "\u{200b}".repeat(WANTED_LIMIT) + "ada";
    assert_eq!(clean_name(&end), None);
    assert_eq!(WantedName::of(&end).as_str(), DEFAULT_NAME);
    let start = "\u{200b}".repeat(WANTED_LIMIT - 3) + "ada";
    assert_eq!(WantedName::of(&start).as_str(), "ada");
    let marks = format!("a{}", "\u{301}".repeat(30_000));
    assert!(WantedName::of(&marks).as_str().chars().count() <= NAME_LIMIT);
}

#[test]
fn the_servers_name_is_reserved_however_it_is_spelled() {
    for spelling in [
        "SERVER",
        "server",
        "Server",
        " S\u{200b}ERVER ",
        "ＳＥＲＶＥＲ",
        "\u{405}\u{415}RV\u{415}R", // Cyrillic
        "SERVER:",
        "s\u{435}rver",
        "serve\u{13a1}", // Cherokee
        "\u{a4e2}erver", // Lisu
        "S\u{a4f0}rver",
        "ꜱᴇʀᴠᴇʀ",
        "SERVER\u{fffc}",
    ] {
        assert_eq!(name_or_default(spelling), DEFAULT_NAME, "{spelling:?}");
    }
    assert_eq!(name_or_default("Serverin"), "Serverin");
    assert_eq!(name_or_default("ServerListener"), "ServerListener");
}

#[test]
fn names_that_look_the_same_are_the_same() {
    for (one, other) in [
        ("ada", "ADA"),
        ("ada", "\u{430}d\u{430}"),
        ("STRASSE", "straße"),
        ("adI", "adl"),
        ("e\u{301}va", "\u{e9}va"),
    ] {
        assert!(
            ConfusableKey::of(one).alike(&ConfusableKey::of(other)),
            "{one} {other}"
        );
    }
    assert!(!ConfusableKey::of("ada").alike(&ConfusableKey::of("adam")));
    assert!(!ConfusableKey::of("ada_1").alike(&ConfusableKey::of("ada_2")));
}

/// Names as people write them.
#[test]
fn joiners_stay_where_writing_needs_them() {
    for name in [
        // Persian and Kurdish between letters that would join, with and without a
        // vowel sign before; Tamil, Sinhala and Hindi after a virama.
        "علی\u{200c}رضا",
        "می\u{64e}\u{200c}رود",
        "ක\u{dca}\u{200d}ෂ",
        "क\u{94d}\u{200c}ष",
        "र\u{94d}\u{200d}य",
        // Emoji that consist of several: a profession, one in colour, a family, flags,
        // keys.
        "👩\u{200d}💻",
        "👩🏽\u{200d}💻",
        "👨\u{200d}👩\u{200d}👧",
        "🏳\u{fe0f}\u{200d}🌈",
        "❤\u{fe0f}\u{200d}🔥 ada",
        "❤\u{fe0f}",
        "☀\u{fe0e}",
        "1\u{fe0f}\u{20e3}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
        // A variant of an ideograph, and one of a Mongolian letter.
        "葛\u{e0100}城",
        "\u{182d}\u{180b}\u{180e}\u{1820}",
    ] {
        assert_eq!(clean_name(name).as_deref(), Some(name), "{name:?}");
    }
}

#[test]
fn joiners_go_where_they_join_nothing() {
    for (name, left) in [
        ("a\u{200d}d\u{200c}a", "ada"),
        ("علی\u{200c}", "علی"),
        ("\u{200c}رضا", "رضا"),
        // Nothing joins after an alef.
        ("ا\u{200c}ب", "اب"),
        ("علی\u{200c}\u{200c}رضا", "علیرضا"),
        ("क\u{200d}ष", "कष"),
        ("👩\u{200d}", "👩"),
        ("👩\u{200d}\u{200d}💻", "👩💻"),
        ("👩\u{200d} 💻", "👩 💻"),
        ("a\u{200d}💻", "a💻"),
        ("1\u{fe0f}", "1"),
        ("a\u{fe0f}\u{e0100}", "a"),
        ("🏴\u{e0067}\u{e0062}", "🏴"),
        ("a\u{e0067}\u{e0062}\u{e007f}", "a"),
        ("a\u{180b}", "a"),
    ] {
        assert_eq!(clean_name(name).as_deref(), Some(left), "{name:?}");
    }
    // Where a name is cut between two characters that it joins.
    let name = format!("{}👩\u{200d}💻", "x".repeat(30));
    assert_eq!(clean_name(&name).unwrap(), "x".repeat(30) + "👩");
}

#[test]
fn joiners_count_for_nothing_when_names_are_compared() {
    for (one, other) in [
        ("علی\u{200c}رضا", "علیرضا"),
        ("👩\u{200d}💻", "👩💻"),
        ("❤\u{fe0f}", "❤"),
        ("葛\u{e0100}", "葛"),
        ("क\u{94d}\u{200c}ष", "क\u{94d}\u{200d}ष"),
    ] {
        let (one, other) = (WantedName::of(one), WantedName::of(other));
        assert!(one.key().alike(other.key()), "{one:?} {other:?}");
    }
}

#[test]
fn a_heap_of_marks_is_cut() {
    for mark in [
        "\u{301}", "\u{323}", "\u{489}", "\u{20dd}", "\u{e4e}", "\u{651}",
    ] {
        let name = clean_name(&format!("Z{}", mark.repeat(31))).unwrap();
        assert!(name.chars().count() <= 1 + MARKS_LIMIT, "{name:?}");
    }
    // Neither by invisible characters between them, nor across more than one letter.
    let name = clean_name(&format!(
        "Z{}y\u{323}\u{302}",
        "\u{316}\u{200d}\u{200b}".repeat(20)
    ));
    assert_eq!(name.unwrap(), format!("Z{}ỵ\u{302}", "\u{316}".repeat(4)));
    // Real writing stays: Hebrew, Arabic, Thai, Vietnamese, Burmese.
    for name in ["בְּרֵאשִׁ֖ית", "مُحَمَّدٌ", "น้ำทิพย์", "Nguyễn", "ကြွှောင်း"]
    {
        assert_eq!(clean_name(name).as_deref(), Some(name), "{name:?}");
    }
}

#[test]
fn what_only_its_owner_can_see_is_a_name() {
    for name in ["\u{e000}", "\u{f8ff} fan", "\u{1fafd}", "\u{3fff0}"] {
        assert_eq!(clean_name(name).as_deref(), Some(name), "{name:?}");
    }
}

#[test]
fn a_sign_of_a_script_that_looks_like_a_colon_or_a_quote_stays_in_it() {
    for name in ["अंतः", "दुःख", "પ્રાતઃ", "רמב״ם"] {
        assert_eq!(clean_name(name).as_deref(), Some(name), "{name:?}");
    }
    for name in ["adaः", "ada״", "דן״", "״דן"] {
        let clean = clean_name(name).unwrap();
        assert!(!clean.contains(['ः', '״']), "{clean:?}");
    }
}

#[test]
fn what_looks_like_a_colon_or_double_quotes_goes() {
    for sign in [
        "⦂",
        "꞉",
        "︓",
        "﹕",
        "：",
        "ː",
        "˸",
        "։",
        "׃",
        "܃",
        "፡",
        "፥",
        "᛬",
        "᠃",
        "᠄",
        "⁚",
        "∷",
        "⩴",
        "︰",
        "ꓽ",
        "⠆",
        "\"",
        "“",
        "”",
        "„",
        "＂",
        "″",
        "ʺ",
        "〝",
        "〞",
        "❝",
        "❞",
        "🙶",
        "〃",
        "''",
        "’’",
        "'\u{200d}'",
        "'’",
    ] {
        let name = clean_name(&format!("ada{sign} hi")).unwrap();
        assert!(
            name == "ada hi" || name == "ada' hi" || name == "ada’ hi",
            "{sign:?}: {name:?}"
        );
    }
    assert_eq!(
        clean_name("D'Arcy O’Neill").as_deref(),
        Some("D'Arcy O’Neill")
    );
}

#[test]
fn whatever_can_be_taken_for_the_servers_name_is_not_given() {
    for name in [
        "SERVER⦂",
        "SERVER:",
        "🆂🅴🆁🆅🅴🆁",
        "🅢🅔🅡🅥🅔🅡",
        "🅂🄴🅁🅅🄴🅁",
        "Ⓢⓔⓡⓥⓔⓡ",
        "🇸🇪🇷🇻🇪🇷",
        "⒮⒠⒭⒱⒠⒭",
        "SERVER\u{323}",
        "S\u{332}E\u{332}R\u{332}V\u{332}E\u{332}R\u{332}",
        "SERVER\u{20dd}",
        "S⃣E⃣R⃣V⃣E⃣R⃣",
        "𝐒𝐄𝐑𝐕𝐄𝐑",
        "𝔖𝔢𝔯𝔳𝔢𝔯",
        "𝚜𝚎𝚛𝚟𝚎𝚛",
        "ˢᵉʳᵛᵉʳ",
        "S E R V E R",
        "S.E.R.V.E.R",
        "-SERVER-",
        "[SERVER]",
        "<server>",
        "*Server*",
        "SERVER 🤖",
        "SERVER ☑\u{fe0f}",
        "S\u{200d}ERVER",
        "SERVER\u{2800}",
        "SERVER\u{fe0f}",
        "Sérvêr",
        "ŞĒŔṼẼŖ",
        "S3RV3R",
        "$erver",
        "SERVE®",
        "SΞRVΞR",
        "SΣRVΣR",
        "ЅЕRVЕR",
        "ѕеrvеr",
        "ꓢꓰꓣꓦꓰꓣ",
        "ᔕᕮᖇᐯᕮᖇ",
        "丂乇尺ᐯ乇尺",
        "ʂҽɾʋҽɾ",
        "₴ɆⱤVɆⱤ",
        "ร3гv3г",
        "ֆɛʀʋɛʀ",
        "§ërvër",
        "şєяνєя",
        "ᎦᏋᏒᏉᏋᏒ",
        "ꌗꍟꋪᐯꍟꋪ",
        "ƨɘɿvɘɿ",
        "ＳＥＲＶＥＲ．",
        "'SERVER'",
        "SERVER,",
        "SERVER;",
        "SERVER;",
        "SERVER։",
        "SERVERः",
        "SERVER|",
    ] {
        assert_eq!(name_or_default(name), DEFAULT_NAME, "{name:?}");
    }
    for name in [
        "Serverin",
        "SERVER2",
        "my server",
        "Sever",
        "Serve",
        "observer",
        "Reserver",
        "Сергей",
        "Σωτήρης",
        "王芳",
    ] {
        assert_eq!(name_or_default(name), name);
    }
}

/// Texts in which joiners, marks and delimiters come often.
fn tricky() -> impl Strategy<Value = String> {
    const OFTEN: &str = "a'’: \"“ः״א1e🏴👩💻🏽葛ᠭकی\u{93c}\u{94d}\u{64e}\u{316}\u{301}\u{20e3}\
        \u{200c}\u{200d}\u{fe0f}\u{e0100}\u{e0067}\u{e007f}\u{180b}";
    let often: Vec<char> = OFTEN.chars().collect();
    let one = prop_oneof![9 => proptest::sample::select(often), 1 => any::<char>()];
    proptest::collection::vec(one, 0..60).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn any_name_is_clean_and_stays_so(wanted in prop_oneof![any::<String>(), tricky()]) {
        if let Some(name) = clean_name(&wanted) {
            prop_assert!(name.chars().count() <= NAME_LIMIT);
            let breaks_a_line = name.contains([':', '"', '“', '”', '\n', '\u{202e}', '\u{1b}']);
            prop_assert!(!breaks_a_line);
            prop_assert_eq!(clean_name(&name), Some(name));
        }
        prop_assert!(!name_or_default(&wanted).is_empty());
    }

    #[test]
    fn any_name_of_a_room_is_clean_and_stays_so(wanted in prop_oneof![any::<String>(), tricky()]) {
        if let Some(name) = clean_room_name(&wanted) {
            prop_assert!(name.chars().count() <= ROOM_NAME_LIMIT);
            prop_assert_eq!(clean_room_name(&name), Some(name));
        }
    }
}
