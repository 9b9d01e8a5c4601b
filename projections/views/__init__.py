"""The SQL views of schema `muniment`: what people query, described column by column. Their names, columns and types are a contract."""
