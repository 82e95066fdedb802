// Points in time for people, in whatever language: the host knows the calendars' words.
const format = {
  year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: 'UTC', timeZoneName: 'short',
};

export const describe = (milliseconds, language) => new Date(milliseconds).toLocaleString(language, format);
