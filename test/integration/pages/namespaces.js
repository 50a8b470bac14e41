// namespaces.js: a React front end with a socket for each of two namespaces: a badge from /notifications, and from /chat
// a conversation with a typing indicator.

const { createElement: h, useEffect, useRef, useState } = React;

const query = new URLSearchParams(window.location.search);
const token = query.get('token');
const conversationId = query.get('conversation');

function useSocket(namespace) {
  const [socket, setSocket] = useState(null);

  useEffect(() => {
    const created = io(namespace, { auth: { token }, transports: ['websocket'] });
    setSocket(created);
    return () => created.disconnect();
  }, [namespace]);

  return socket;
}

// Calls handlers[event] for each event of the socket while the component is mounted.
function useSocketEvents(socket, handlers) {
  const latest = useRef(handlers);
  latest.current = handlers;

  useEffect(() => {
    if (!socket) return undefined;
    const listeners = Object.keys(latest.current).map((event) => [event, (...data) => latest.current[event](...data)]);
    for (const [event, listener] of listeners) socket.on(event, listener);
    return () => {
      for (const [event, listener] of listeners) socket.off(event, listener);
    };
  }, [socket]);
}

function Bell() {
  const socket = useSocket('/notifications');
  const [unread, setUnread] = useState(null);
  const [latest, setLatest] = useState(null);

  useSocketEvents(socket, {
    notification: (notification) => setLatest(notification),
    unreadCount: setUnread,
  });

  return h('header', null,
    h('span', { id: 'badge' }, unread),
    latest && h('button', { id: 'latest', onClick: () => socket.emit('markAsRead', latest.id) }, latest.title));
}

function Chat() {
  const socket = useSocket('/chat');
  const [messages, setMessages] = useState([]);
  const [typing, setTyping] = useState(false);
  const [error, setError] = useState(null);
  const [text, setText] = useState('');

  useSocketEvents(socket, {
    message: (message) => setMessages((list) => [...list, message]),
    typing: ({ userId }) => setTyping(userId !== query.get('user')),
    stopTyping: () => setTyping(false),
    error: ({ message }) => setError(message),
  });

  const change = ({ target }) => {
    setText(target.value);
    socket.emit(target.value ? 'typing' : 'stopTyping', { conversationId });
  };
  const send = (event) => {
    event.preventDefault();
    socket.emit('stopTyping', { conversationId });
    socket.emit('message', { conversationId, content: text });
    setText('');
  };

  return h('main', null,
    h('ol', null, messages.map(({ id, senderName, content }) => h('li', { key: id }, `${senderName}: ${content}`))),
    typing && h('p', { id: 'typing' }, '…'),
    error && h('p', { id: 'error' }, error),
    h('form', { onSubmit: send }, h('input', { value: text, onChange: change })));
}

ReactDOM.createRoot(document.getElementById('root')).render(h(React.StrictMode, null, h(Bell), h(Chat)));
