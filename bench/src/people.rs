//! Fills a server's database with people, their groups, tokens, sessions and events: past the API, which would take hours.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;
use vestibule_store::{Database, Durability, Param, StoreError};

use crate::Problem;

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Users, and as many events.
    pub users: usize,
    /// Groups.
    pub groups: usize,
}

/// Groups that everybody is a member of, beside the large one.
const MEMBERSHIPS: usize = 4;
/// One of so many is a member of the large group too.
const STAFF: usize = 20;
/// One of so many has a token, a session, a consent.
const TOKENS: usize = 5;
/// Rows in one statement.
const ROWS: usize = 400;

/// The word that one person has, and nobody else.
pub(crate) const RARE: &str = "quillfeather";
/// A name that one of forty has.
pub(crate) const COMMON: &str = "keller";
/// A group of an ordinary size.
pub(crate) const TEAM: &str = "team 00007";
/// The large group.
pub(crate) const LARGE: &str = "whole staff";

const FIRST: [&str; 20] = [
    "Anna", "Björn", "Chloé", "Dmitri", "Élise", "Farid", "Grace", "Hiro", "İpek", "Jonas", "Katja", "Luís", "Mei",
    "Noor", "Olga", "Pavel", "Quentin", "Rosa", "Sven", "Ünal",
];
const LAST: [&str; 40] = [
    "Keller",
    "Abe",
    "Bauer",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Huber",
    "Ivanov",
    "Jensen",
    "Kowalski",
    "Larsson",
    "Moreau",
    "Novák",
    "Okafor",
    "Peeters",
    "Quispe",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Urban",
    "Vogel",
    "Weber",
    "Xu",
    "Yılmaz",
    "Zimmermann",
    "Ahmed",
    "Brandt",
    "Chen",
    "Díaz",
    "Engel",
    "Fuchs",
    "Gruber",
    "Hoffmann",
    "Ito",
    "Jung",
    "Krüger",
    "Lindqvist",
    "Müller",
];

/// Numbers that are the same every time: the generator of Steele, Lea and Flood (2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or_default()
    }

    fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(((u128::from(self.roll()) << 64) | u128::from(self.roll())).to_be_bytes())
            .into_uuid()
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.get(self.below(words.len())).copied().unwrap_or_default()
    }
}

/// As the server folds case; these words need no more.
fn fold(text: &str) -> String {
    vestibule_kernel::fold::fold(text)
}

/// Inserts rows, many in a statement, each statement for itself: SQLite reads slowly from a log that is not written back.
async fn insert(database: &Database, into: &str, rows: impl Iterator<Item = Vec<Param>>) -> Result<(), Problem> {
    let mut rows = rows.peekable();
    while let Some(columns) = rows.peek().map(Vec::len) {
        let some: Vec<Vec<Param>> = rows.by_ref().take(ROWS).collect();
        let places = |row: usize| {
            let places: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
            format!("({})", places.join(", "))
        };
        let values: Vec<String> = (0..some.len()).map(places).collect();
        let sql = format!("INSERT INTO {into} VALUES {} ON CONFLICT DO NOTHING", values.join(", "));
        database.execute(Durability::Process, sql, some.into_iter().flatten().collect()).await?;
    }
    Ok(())
}

/// Who reads with permissions over single objects, and what of.
pub(crate) struct Reader {
    /// Their role.
    pub role: Uuid,
    /// How many objects of each kind they may see.
    pub objects: usize,
}

/// Fills a database. `application` is one that people have consented to.
pub(crate) async fn fill(
    database: &Database,
    size: Size,
    reader: &Reader,
    application: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let mut dice = Dice(42);
    let named = users(database, size, &mut dice, now).await?;
    let users: Vec<i64> = named.iter().map(|(user, _)| *user).collect();
    let groups = groups(database, size, &users, &mut dice).await?;
    let roles = roles(database, size, &users, &groups, &mut dice).await?;
    let tokens = tokens(database, &users, &mut dice, now).await?;
    sessions(database, &named, &mut dice, now).await?;
    events(database, &users, &mut dice, now).await?;
    let consents = users.iter().step_by(TOKENS).map(|user| {
        vec![(*user).into(), application.into(), "".into(), (now + TimeDelta::days(300)).into(), true.into()]
    });
    insert(database, "user_consents (user_id, application, permissions, expires, expiring)", consents).await?;
    grants(database, reader, &users, &groups, &tokens, &roles, &mut dice).await
}

async fn users(
    database: &Database,
    size: Size,
    dice: &mut Dice,
    now: DateTime<Utc>,
) -> Result<Vec<(i64, String)>, Problem> {
    let into = "users (uuid, uid, username, username_folded, name, name_folded, email, email_folded, \
                password_change_date, is_active, type, path, attributes, last_login, date_joined, last_updated)";
    let mut own = Dice(7);
    let rows = (0..size.users).map(|number| {
        let (first, mut last) = (own.of(&FIRST), own.of(&LAST));
        if number == size.users / 3 {
            last = "Quillfeather";
        }
        let (username, name) = (format!("{}.{number}", fold(last)), format!("{first} {last}"));
        let email = format!("{}.{number}@example.org", fold(&name).replace(' ', "."));
        let joined = now - TimeDelta::seconds(i64::try_from(own.below(100_000_000)).unwrap_or_default());
        let login = (own.below(10) < 7)
            .then(|| now - TimeDelta::milliseconds(i64::try_from(own.below(1 << 32)).unwrap_or_default()));
        vec![
            dice.uuid().into(),
            format!("{:032x}{number:032x}", own.roll()).into(),
            username.as_str().into(),
            fold(&username).into(),
            name.as_str().into(),
            fold(&name).into(),
            email.as_str().into(),
            fold(&email).into(),
            joined.into(),
            (own.below(50) > 0).into(),
            if own.below(10) > 0 { "internal" } else { "external" }.into(),
            if own.below(4) > 0 { "users" } else { "users/abroad" }.into(),
            json!({"department": own.below(200), "settings": {"locale": "de"}}).into(),
            login.into(),
            joined.into(),
            now.into(),
        ]
    });
    insert(database, into, rows).await?;
    // Those who were there before have what they had.
    let rows =
        database.scan("SELECT id, username FROM users WHERE email LIKE '%@example.org' ORDER BY id", vec![]).await?;
    Ok(rows.iter().map(|row| Ok((row.int("id")?, row.text("username")?))).collect::<Result<_, StoreError>>()?)
}

async fn groups(database: &Database, size: Size, users: &[i64], dice: &mut Dice) -> Result<Vec<Uuid>, Problem> {
    let groups: Vec<Uuid> = (0..size.groups).map(|_| dice.uuid()).collect();
    let large = dice.uuid();
    let named = groups.iter().zip(0..).map(|(group, number)| (*group, number, format!("team {number:05}")));
    let rows = named.chain([(large, i64::MAX, LARGE.to_owned())]).map(|(group, number, name)| {
        vec![group.into(), number.into(), name.as_str().into(), fold(&name).into(), false.into(), json!({}).into()]
    });
    insert(database, "groups (pk, num_pk, name, name_folded, is_superuser, attributes)", rows).await?;
    let parents = groups.iter().enumerate().filter(|(at, _)| at % 10 > 0);
    let parents = parents.filter_map(|(at, group)| Some(vec![(*group).into(), (*groups.get(at - at % 10)?).into()]));
    insert(database, "group_parents (child, parent)", parents).await?;
    let members = users.iter().enumerate().flat_map(|(at, user)| {
        let teams = (0..MEMBERSHIPS).filter_map(|_| groups.get(dice.below(groups.len())).copied());
        let all = teams.chain((at % STAFF == 0).then_some(large));
        all.map(|group| vec![(*user).into(), group.into()]).collect::<Vec<_>>()
    });
    insert(database, "memberships (user_id, group_pk)", members).await?;
    Ok(groups)
}

async fn roles(
    database: &Database,
    size: Size,
    users: &[i64],
    groups: &[Uuid],
    dice: &mut Dice,
) -> Result<Vec<Uuid>, Problem> {
    let roles: Vec<Uuid> = (0..30 + size.groups / 50).map(|_| dice.uuid()).collect();
    let rows = roles.iter().enumerate().map(|(number, role)| {
        let name = format!("Role {number:04}");
        vec![(*role).into(), name.as_str().into(), fold(&name).into()]
    });
    insert(database, "roles (pk, name, name_folded)", rows).await?;
    let of = |dice: &mut Dice| roles.get(dice.below(roles.len())).copied();
    let held = users.iter().step_by(10).filter_map(|user| Some(vec![(*user).into(), of(dice)?.into()]));
    insert(database, "user_roles (user_id, role)", held).await?;
    let held = groups.iter().step_by(5).filter_map(|group| Some(vec![(*group).into(), of(dice)?.into()]));
    insert(database, "group_roles (group_pk, role)", held).await?;
    Ok(roles)
}

async fn tokens(database: &Database, users: &[i64], dice: &mut Dice, now: DateTime<Utc>) -> Result<Vec<Uuid>, Problem> {
    let into = "tokens (pk, identifier, intent, user_id, description, description_folded, key_hash, key_sealed, expires, \
                expiring)";
    let tokens: Vec<Uuid> = (0..users.len() / TOKENS).map(|_| dice.uuid()).collect();
    let rows = tokens.iter().zip(users.iter().step_by(TOKENS)).map(|(token, user)| {
        let (text, hash) = (format!("Script of user {user}"), format!("{:016x}{:016x}", dice.roll(), dice.roll()));
        vec![
            (*token).into(),
            format!("script-of-{user}").into(),
            if user % 3 == 0 { "app_password" } else { "api" }.into(),
            (*user).into(),
            text.as_str().into(),
            fold(&text).into(),
            hash.as_str().into(),
            hash.as_str().into(),
            (now + TimeDelta::days(30)).into(),
            true.into(),
        ]
    });
    insert(database, into, rows).await?;
    Ok(tokens)
}

async fn sessions(
    database: &Database,
    users: &[(i64, String)],
    dice: &mut Dice,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let into = "sessions (id_hash, uuid, user_id, username, data, version, client_ip, user_agent, created, last_used, \
                expires)";
    // Of three, one is of somebody who is not signed in.
    let owners = users.iter().step_by(TOKENS).flat_map(|user| [Some(user), Some(user), None]);
    let rows = owners.map(|owner| {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        vec![
            format!("{:016x}{:016x}", dice.roll(), dice.roll()).into(),
            dice.uuid().into(),
            owner.map(|(user, _)| *user).into(),
            owner.map(|(_, username)| username.clone()).into(),
            json!({"plan": null}).into(),
            1.into(),
            format!("10.{}.{}.{}", dice.below(256), dice.below(256), dice.below(256)).into(),
            agent.into(),
            now.into(),
            now.into(),
            (now + TimeDelta::days(14)).into(),
        ]
    });
    insert(database, into, rows).await
}

async fn events(database: &Database, users: &[i64], dice: &mut Dice, now: DateTime<Utc>) -> Result<(), Problem> {
    let into = "events (pk, created, expires, action, app, user_id, user_json, context, client_ip, brand, username, \
                model_app, model_name, model_pk, brand_name, quarter_day)";
    let rows = (0..users.len()).filter_map(|number| {
        let user = *users.get(dice.below(users.len()))?;
        let created = now - TimeDelta::milliseconds(i64::try_from(number * 20_000).unwrap_or_default());
        let (username, login) = (format!("person-{user}"), number % 3 > 0);
        let context = json!({
            "http_request": {"args": {}, "path": "/api/v3/core/users/", "method": "GET", "request_id": dice.uuid(),
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
            "model": {"pk": user, "app": "authentik_core", "name": username, "model_name": "user"},
        });
        Some(vec![
            dice.uuid().into(),
            created.into(),
            (created + TimeDelta::days(365)).into(),
            if login { "login" } else { "model_updated" }.into(),
            "authentik.events.signals".into(),
            user.into(),
            json!({"pk": user, "username": username, "email": format!("{username}@example.org")}).into(),
            context.into(),
            format!("10.{}.{}.{}", dice.below(256), dice.below(256), dice.below(256)).into(),
            json!({"pk": "c4f1", "app": "authentik_brands", "name": "Default brand", "model_name": "brand"}).into(),
            username.into(),
            "authentik_core".into(),
            "user".into(),
            user.to_string().into(),
            "Default brand".into(),
            (created.timestamp() / 21_600).into(),
        ])
    });
    insert(database, into, rows).await
}

/// What the reader may see, and what others may.
async fn grants(
    database: &Database,
    reader: &Reader,
    users: &[i64],
    groups: &[Uuid],
    tokens: &[Uuid],
    roles: &[Uuid],
    dice: &mut Dice,
) -> Result<(), Problem> {
    let row = |role: Uuid, model: &str, uuid: Option<Uuid>, id: Option<i64>| {
        let permission = model.replace('.', ".view_");
        vec![role.into(), permission.into(), model.into(), uuid.into(), id.into()]
    };
    let step = |count: usize| (count / reader.objects).max(1);
    let mut rows = Vec::new();
    for user in users.iter().step_by(step(users.len())).take(reader.objects) {
        rows.push(row(reader.role, "authentik_core.user", None, Some(*user)));
    }
    let keyed = [("authentik_core.group", groups), ("authentik_core.token", tokens), ("authentik_rbac.role", roles)];
    for (model, keys) in keyed {
        for key in keys.iter().step_by(step(keys.len())).take(reader.objects) {
            rows.push(row(reader.role, model, Some(*key), None));
        }
    }
    let events = database.scan("SELECT pk FROM events ORDER BY created DESC LIMIT 500", vec![]).await?;
    for event in events.iter().take(reader.objects) {
        rows.push(row(reader.role, "authentik_events.event", Some(event.uuid("pk")?), None));
    }
    for user in users {
        if let Some(role) = roles.get(dice.below(roles.len())) {
            rows.push(row(*role, "authentik_core.user", None, Some(*user)));
        }
    }
    let into = "role_object_permissions (role, permission, model, object_uuid, object_id)";
    insert(database, into, rows.into_iter()).await
}
