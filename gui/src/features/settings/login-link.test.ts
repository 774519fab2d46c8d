import { describe, expect, it } from 'vitest';
import { loginLink } from './login-link';

describe('a link for another browser', () => {
  it('is the address of the node', () => {
    const page = { origin: 'http://127.0.0.1:4141', pathname: '/settings' };
    expect(loginLink(page, page.origin, 'abc')).toEqual({
      address: 'http://127.0.0.1:4141/#login=abc',
      isLoopback: true,
      port: '4141',
    });
  });
  it('is the page itself where the page is hosted elsewhere', () => {
    const page = { origin: 'https://gui.example', pathname: '/settings' };
    expect(loginLink(page, 'https://node.example', 'abc')).toEqual({
      address: 'https://gui.example/?node=https%3A%2F%2Fnode.example#login=abc',
      isLoopback: false,
      port: '443',
    });
  });
  it('tells addresses of this machine apart', () => {
    for (const node of ['http://localhost:1', 'http://127.9.9.9', 'http://[::1]:4141'])
      expect(loginLink({ origin: node, pathname: '/' }, node, 'x').isLoopback).toBe(true);
    expect(loginLink({ origin: '', pathname: '/' }, 'https://127.example', 'x').isLoopback).toBe(false);
  });
});
