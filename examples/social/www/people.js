// people.js: the users, page by page, with buttons to follow them and to write to them.

import { $, el, avatar, counted } from './dom.js';
import { ask, myId, socket } from './connection.js';

let people = [];
let me;
let next;
let requests = 0;
let write;
let refreshFeed;

const follow = (userId) => ask('user:follow', { userId });

// A button's accessible name begins with its text and adds the user's name.
function button(text, { name }, attributes) {
  return el('button', { 'aria-label': `${text} ${name}`, ...attributes }, text);
}

function buttons(person) {
  const { userId, following } = person;
  return el('span', { class: 'buttons' },
    button(following ? 'Following' : 'Follow', person, {
      class: following ? 'quiet' : 'primary', 'aria-pressed': following, onclick: () => follow(userId),
    }),
    button('Message', person, { class: 'quiet', onclick: () => write(userId) }));
}

function item(person) {
  const { userId, name, bio, followers } = person;
  return el('li', { 'data-user': userId },
    avatar(userId, name),
    el('div', {},
      el('strong', {}, userId === myId ? `${name} (you)` : name),
      el('span', { class: 'followers' }, counted(followers, 'follower')),
      el('p', {}, bio),
      userId === myId ? null : buttons(person)));
}

function render() {
  $('#people').replaceChildren(...people.map(item));
  $('#more-people').hidden = !next;
  $('#me').replaceChildren(...(me ? [avatar(me.userId, me.name), el('span', {}, me.name)] : []));
}

// Loads the first page, or the one after a user. Only the page that was asked for last counts.
async function loadPage(after) {
  const request = ++requests;
  const answer = await ask('people:list', after ? { after } : {});
  if (!answer || request !== requests) return;
  people = after ? [...people, ...answer.people] : answer.people;
  ({ me, next } = answer);
  render();
}

export const load = () => loadPage();

function onFollow(event, following) {
  socket.on(event, ({ followerId, followeeId, totalFollowers }) => {
    const person = people.find(({ userId }) => userId === followeeId);
    if (!person) return;
    person.followers = totalFollowers;
    if (followerId === myId) {
      person.following = following;
      refreshFeed();
    }
    render();
  });
}

// write(userId) opens the conversation with a user. refreshFeed() loads the feed again after a follow or an unfollow.
export function init(options) {
  ({ write, refreshFeed } = options);
  $('#more-people').onclick = () => loadPage(next);
  onFollow('user:followed', true);
  onFollow('user:unfollowed', false);
}
