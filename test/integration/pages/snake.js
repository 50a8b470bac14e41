// snake.js: a React front end, as an application writes it for its own Socket.IO server: a socket hook, a badge, a list
// and a toast.

const { createElement: h, useCallback, useEffect, useState } = React;

// Returns a socket for as long as a user is logged in. The socket joins its user's room at each connect.
function useSocket(user) {
  const [socket, setSocket] = useState(null);
  const [connected, setConnected] = useState(false);

  useEffect(() => {
    if (!user) return undefined;
    const created = io({ auth: { token: user.token }, transports: ['websocket'], reconnectionDelay: 50, reconnectionDelayMax: 200 });
    created.on('connect', () => {
      setConnected(true);
      created.emit('join', user.id);
    });
    created.on('disconnect', () => setConnected(false));
    setSocket(created);
    return () => {
      created.disconnect();
      setSocket(null);
    };
  }, [user]);

  return { socket, connected };
}

function useNotifications(socket, onNew) {
  const [notifications, setNotifications] = useState([]);

  useEffect(() => {
    if (!socket) return undefined;
    const handleNew = (notification) => {
      setNotifications((list) => [notification, ...list]);
      onNew(notification);
    };
    const handleRead = (id) => {
      setNotifications((list) => list.map((entry) => (entry.id === id ? { ...entry, read: true } : entry)));
    };
    socket.on('new_notification', handleNew);
    socket.on('notification_marked_read', handleRead);
    return () => {
      socket.off('new_notification', handleNew);
      socket.off('notification_marked_read', handleRead);
    };
  }, [socket, onNew]);

  const markRead = (id) => socket.emit('mark_notification_read', id);
  return { notifications, unread: notifications.filter(({ read }) => !read).length, markRead };
}

function Toast({ notification, onDone }) {
  useEffect(() => {
    const timer = setTimeout(onDone, 1000);
    return () => clearTimeout(timer);
  }, [notification, onDone]);
  return h('div', { className: 'toast' }, notification.title);
}

function Notifications({ user }) {
  const { socket, connected } = useSocket(user);
  const [toast, setToast] = useState(null);
  const hideToast = useCallback(() => setToast(null), []);
  const { notifications, unread, markRead } = useNotifications(socket, setToast);

  return h('main', null,
    h('span', { id: 'status' }, connected ? 'online' : 'offline'),
    unread > 0 && h('span', { id: 'badge' }, unread),
    toast && h(Toast, { notification: toast, onDone: hideToast }),
    h('ul', null, notifications.map((entry) => h('li', {
      key: entry.id, className: entry.read ? 'read' : 'unread', onClick: () => markRead(entry.id),
    }, `${entry.title} (${entry.metadata.postId ?? entry.type}) at ${new Date(entry.createdAt).getFullYear()}`))));
}

function App() {
  const query = new URLSearchParams(window.location.search);
  const [user, setUser] = useState({ id: query.get('user'), token: query.get('token') });
  return user
    ? h(React.Fragment, null, h(Notifications, { user }), h('button', { id: 'log-out', onClick: () => setUser(null) }, 'Log out'))
    : h('p', { id: 'logged-out' }, 'Bye');
}

ReactDOM.createRoot(document.getElementById('root')).render(h(React.StrictMode, null, h(App)));
