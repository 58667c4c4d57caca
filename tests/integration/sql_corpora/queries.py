"""Fifty queries as applications write them, none of which holds a value of a request.

`ask` stands here so that the code which reaches the sink holds the texts as constants, as the code
of an application does; whoever hands the same texts on from elsewhere composed them.
"""

from __future__ import annotations

from stockade.firewall.engine import Guard
from tests.integration.sql_corpora.matrix import refused

__all__ = ["COMMON", "QUERIES", "ask"]

QUERIES = (
    "SELECT 1",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT sp_1",
    "PRAGMA foreign_keys = ON",
    "SET search_path = 'app', public",
    "SELECT * FROM users ORDER BY id",
    "SELECT id, name, email FROM users WHERE id = ?",
    "UPDATE users SET last_login = CURRENT_TIMESTAMP WHERE id = %s",
    "DELETE FROM sessions WHERE expires_at < now()",
    "SELECT value FROM settings WHERE key = 'site.title'",
    "SELECT COUNT(*) FROM posts WHERE author_id = ? AND status = 'published'",
    "SELECT id, username FROM users WHERE username = %(username)s AND password = %(password)s",
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "INSERT INTO page_views (path, n) VALUES (?, 1) ON CONFLICT (path) DO UPDATE SET n = n + 1",
    "INSERT INTO orders (user_id, total, status) VALUES (?, ?, 'pending') RETURNING id",
    "UPDATE accounts SET balance = balance - :amount WHERE id = :id AND balance >= :amount",
    "SELECT DISTINCT brand FROM products WHERE brand IS NOT NULL AND brand <> '' ORDER BY brand",
    "SELECT id, title FROM posts WHERE title LIKE ? OR body LIKE ? ORDER BY created_at DESC LIMIT 10",
    "SELECT * FROM products WHERE category_id = ? AND price BETWEEN ? AND ? ORDER BY price ASC LIMIT 20 OFFSET ?",
    "SELECT id FROM users WHERE email = ? AND (status = 'active' OR status = 'invited') AND deleted_at IS NULL",
    'SELECT "auth_user"."id", "auth_user"."password", "auth_user"."last_login", "auth_user"."is_superuser" FROM "auth_user" WHERE "auth_user"."username" = %s LIMIT 21',
    'SELECT COUNT(*) AS "__count" FROM "shop_order" WHERE ("shop_order"."status" = %s AND NOT ("shop_order"."total" = 0))',
    "SELECT `order`.`id`, `order`.`group` FROM `order` WHERE `order`.`group` = %s FOR UPDATE",
    "SELECT users.id AS users_id, users.name AS users_name FROM users WHERE users.name = ? LIMIT ? OFFSET ?",
    "SELECT anon_1.id, anon_1.total FROM (SELECT orders.id AS id, orders.total AS total FROM orders WHERE orders.user_id = ?) AS anon_1 ORDER BY anon_1.total DESC",
    "SELECT p.id, p.title, u.name AS author FROM posts p JOIN users u ON u.id = p.author_id WHERE p.slug = ?",
    "SELECT t.name, COUNT(pt.post_id) AS n FROM tags t LEFT JOIN post_tags pt ON pt.tag_id = t.id GROUP BY t.id, t.name HAVING COUNT(pt.post_id) > 0 ORDER BY n DESC",
    "SELECT c.id, c.text FROM comments c WHERE c.post_id = ? AND c.parent_id IS NULL ORDER BY c.created_at",
    "WITH RECURSIVE tree(id, parent_id, depth) AS (SELECT id, parent_id, 0 FROM categories WHERE id = ? UNION ALL SELECT c.id, c.parent_id, tree.depth + 1 FROM categories c JOIN tree ON c.parent_id = tree.id) SELECT id, depth FROM tree",
    "SELECT DATE(created_at) AS day, COUNT(*) FROM orders WHERE created_at >= ? GROUP BY DATE(created_at)",
    "SELECT CASE WHEN stock > 0 THEN 'in stock' ELSE 'sold out' END AS availability, name FROM products WHERE sku = ?",
    "SELECT COALESCE(nickname, first_name || ' ' || last_name) AS display FROM users WHERE id IN (?, ?, ?)",
    "UPDATE jobs SET state = 'running', worker = ? WHERE id = (SELECT id FROM jobs WHERE state = 'queued' ORDER BY priority DESC, id LIMIT 1)",
    "SELECT e.id, e.title FROM events e WHERE e.start_date <= ? AND e.end_date >= ? -- overlap",
    "/* report:weekly */ SELECT week, region, SUM(sales) FROM sales_facts GROUP BY week, region",
    "SELECT id, name FROM customers WHERE country = 'US' AND city = ? ORDER BY name -- don't page",
    "SELECT id, name FROM files WHERE folder_id = ? AND (name LIKE '%.pdf' OR name LIKE '%.doc')",
    "SELECT strftime('%Y-%m-%d', created_at) AS d, count(*) FROM logs WHERE level = 'ERROR' GROUP BY d ORDER BY d",
    "SELECT p.*, c.name AS category FROM products AS p INNER JOIN categories AS c ON c.id = p.category_id WHERE p.name LIKE '%' || ? || '%' ORDER BY p.name",
    "SELECT token, user_id FROM api_keys WHERE token = ? AND revoked = 0 AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)",
    "SELECT id, a.street, a.city, a.state, a.zip FROM addresses a WHERE a.user_id = ? AND a.kind = 'shipping' ORDER BY a.is_default DESC, a.id DESC LIMIT 5",
    "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, body TEXT DEFAULT '', created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",
    "SELECT u.id, u.name, (SELECT MAX(o.created_at) FROM orders o WHERE o.user_id = u.id) AS last_order FROM users u WHERE u.active = 1",
    "SELECT body->>'name' AS name, tags[1] FROM documents WHERE body @> '{\"kind\": \"invoice\"}'::jsonb AND id = %s",
    "SELECT greeting FROM phrases WHERE text = 'it''s the owner''s' AND lang = ?",
    "SELECT row_number() OVER (PARTITION BY region ORDER BY total DESC) AS place, name FROM sellers",
    "SELECT id, name, rank FROM search WHERE search MATCH ? ORDER BY rank LIMIT 25 /* full text; see docs */",
    """
    SELECT o.id, o.total, o.status, u.name, u.email,
           (SELECT count(*) FROM order_lines l WHERE l.order_id = o.id) AS lines
      FROM orders AS o
      JOIN users AS u ON u.id = o.user_id  -- every order has one
     WHERE o.status IN ('pending', 'paid', 'sent')
       AND o.created_at >= date('now', '-30 days')
       AND (o.total > 0 OR o.status <> 'pending')
     ORDER BY o.created_at DESC, o.id
     LIMIT 100
    """,
    "INSERT INTO users (username, password, email, first_name, last_name, address, city, zip, phone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
)

COMMON = (
    "a", "b", "c", "n", "1", "0", "2", "10", "id", "name", "email", "user", "users", "title", "body",
    "price", "status", "active", "city", "US", "select", "SELECT", "from", "where", "and", "or",
    "not", "null", "like", "limit", "desc", "asc", "on", "ON", "in", "by", "as", "created_at",
    "user_id", "u.name", "a.id", "site.title", "order by", "group by", "in stock", "sold out",
    "is null", "not null", "select *", "select 1", "select id", "from users", "order by id",
    "first name", "name, email", "id, name", "id desc", "state, zip", ", a", "count(*)", "COUNT(*)",
    "= ?", "= 1", ".pdf", "%Y-%m-%d", "report:weekly", "it's", "(?)", "(*)", "()", "''", '""',
    "*", "%", "?", ".", ",", ";", "'", '"', "`", "(", ")", "[", "]", "-", "--", "=", ">", "<", ">=",
    "<>", "+", "/", "#", "/*", "*/", ":", "::", "||", "\\",
)  # fmt: skip
"""What people type that also stands in queries: names, words, marks, scraps of SQL."""


def ask(guard: Guard, text: str) -> str:
    """The rule that refuses one of QUERIES, asked from the code whose constant it is."""
    return refused(guard, text)
