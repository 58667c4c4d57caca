"""The range's tables, as Django sees them; `data` makes them."""

from typing import Any, ClassVar

from django.db import models

from examples.range.django.settings import configure

__all__ = ["Note", "Product", "User"]

configure()


class Product(models.Model):  # type: ignore[misc]
    objects: ClassVar[Any]
    id = models.AutoField(primary_key=True)
    name = models.TextField()
    price = models.IntegerField()

    class Meta:
        app_label = "range"
        db_table = "products"
        managed = False


class Note(models.Model):  # type: ignore[misc]
    objects: ClassVar[Any]
    id = models.AutoField(primary_key=True)
    owner = models.TextField()
    body = models.TextField()

    class Meta:
        app_label = "range"
        db_table = "notes"
        managed = False


class User(models.Model):  # type: ignore[misc]
    objects: ClassVar[Any]
    id = models.AutoField(primary_key=True)
    name = models.TextField()
    password = models.TextField()
    role = models.TextField()

    class Meta:
        app_label = "range"
        db_table = "users"
        managed = False
