"""Tests of visualdl.server: real servers, asked over sockets."""
