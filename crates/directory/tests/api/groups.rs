//! `core/groups`.

use serde_json::{Value, json};

use crate::app::App;
use crate::both;

both!(life, members, related);

const P: &str = "core/groups/";

async fn life(app: App) {
    let made = app.admin("POST", P, json!({"name": "g"})).await.expect(201);
    let keys: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "pk",
            "num_pk",
            "name",
            "is_superuser",
            "parents",
            "parents_obj",
            "users",
            "users_obj",
            "attributes",
            "roles",
            "roles_obj",
            "inherited_roles_obj",
            "children",
            "children_obj"
        ]
    );
    let pk = made["pk"].as_str().unwrap();
    let number = pk.parse::<uuid::Uuid>().unwrap().as_u128().to_string();
    assert_eq!(made["num_pk"].to_string(), number[..5]);
    assert_eq!((&made["users_obj"], &made["children_obj"], &made["roles_obj"]), (&json!([]), &Value::Null, &json!([])));
    let again = app.admin("POST", P, json!({"name": "g"})).await.expect(400);
    assert_eq!(again, json!({"name": ["Group with this name already exists."]}));
    let wrong = json!({"name": "h", "parents": ["3fa85f64-5717-4562-b3fc-2c963f66afa6"], "users": [999_999], "attributes": [1]});
    assert_eq!(
        app.admin("POST", P, wrong).await.expect(400),
        json!({
            "parents": ["Invalid pk \"3fa85f64-5717-4562-b3fc-2c963f66afa6\" - object does not exist."],
            "users": ["Invalid pk \"999999\" - object does not exist."],
            "attributes": ["Value must be a dictionary, and not have any duplicate keys."]
        })
    );
    let renamed = app.admin("PUT", &format!("{P}{pk}/"), json!({"name": "n"})).await.expect(200);
    assert_eq!(renamed["name"], "n");
    app.admin("DELETE", &format!("{P}{pk}/"), Value::Null).await.expect(204);
}

async fn members(app: App) {
    let user = app.user("u").await;
    let pk = app.admin("POST", P, json!({"name": "g"})).await.expect(201)["pk"].as_str().unwrap().to_owned();
    let add = format!("{P}{pk}/add_user/");
    for _ in 0..2 {
        app.admin("POST", &add, json!({"pk": user})).await.expect(204);
    }
    assert_eq!(app.admin("POST", &add, json!({"pk": 999_999})).await.expect(404)["detail"], "Not found.");
    assert_eq!(app.admin("POST", &add, json!({})).await.expect(400), json!({"pk": ["This field is required."]}));
    assert_eq!(
        app.admin("POST", &add, json!({"pk": "x"})).await.expect(400),
        json!({"pk": ["A valid integer is required."]})
    );
    let shown = app.admin("GET", &format!("{P}{pk}/"), Value::Null).await.expect(200);
    assert_eq!((&shown["users"], &shown["users_obj"][0]["username"]), (&json!([user]), &json!("u")));
    let found = app.admin("GET", &format!("{P}?members_by_pk={user}"), Value::Null).await.expect(200);
    assert_eq!(found["results"][0]["pk"], pk.as_str());
    let found =
        app.admin("GET", &format!("{P}?members_by_username=u&include_users=false"), Value::Null).await.expect(200);
    assert_eq!(found["results"][0]["users_obj"], Value::Null);
    let remove = format!("{P}{pk}/remove_user/");
    app.admin("POST", &remove, json!({"pk": user})).await.expect(204);
    let shown = app.admin("PATCH", &format!("{P}{pk}/"), json!({"users": [user]})).await.expect(200);
    assert_eq!(shown["users"], json!([user]));
    let missing = "core/groups/3fa85f64-5717-4562-b3fc-2c963f66afa6/add_user/";
    assert_eq!(
        app.admin("POST", missing, json!({"pk": user})).await.expect(404)["detail"],
        "No Group matches the given query."
    );
}

async fn related(app: App) {
    let upper = app.admin("POST", P, json!({"name": "upper"})).await.expect(201)["pk"].clone();
    let lower = app.admin("POST", P, json!({"name": "lower", "parents": [upper]})).await.expect(201);
    assert_eq!((&lower["parents"], &lower["parents_obj"]), (&json!([upper]), &Value::Null));
    let query = "include_children=true&include_parents=true&include_inherited_roles=true";
    let path = format!("{P}{}/?{query}", upper.as_str().unwrap());
    let shown = app.admin("GET", &path, Value::Null).await.expect(200);
    assert_eq!(shown["children"], json!([lower["pk"]]));
    assert_eq!((&shown["children_obj"][0]["name"], &shown["parents_obj"]), (&json!("lower"), &json!([])));
    assert_eq!(shown["inherited_roles_obj"], json!([]));
    // A circle is accepted, as recorded, and ends where it began.
    let path = format!("{P}{}/", upper.as_str().unwrap());
    app.admin("PATCH", &path, json!({"parents": [lower["pk"], upper]})).await.expect(200);
    app.admin("GET", "core/users/", Value::Null).await.expect(200);
    app.admin("DELETE", &path, Value::Null).await.expect(204);
}
