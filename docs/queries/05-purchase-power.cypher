// 05 Purchase power: by income, what each group spends, how dear it buys within a category, how often at a discount.
MATCH (u:User) WHERE u.purchases > 0
RETURN coalesce(u.income, 'unknown') AS income, count(*) AS users,
       round(avg(u.spend_per_week), 2) AS spend_per_week, round(avg(u.basket_value), 2) AS basket_value,
       round(avg(u.price_level), 3) AS price_level, round(avg(u.discount_share), 3) AS discount_share
ORDER BY spend_per_week DESC
