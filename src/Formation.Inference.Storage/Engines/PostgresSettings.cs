using System.Data.Common;
using Npgsql;

namespace Formation.Inference.Storage.Engines;

/// <summary>
/// Reads how a PostgreSQL is reached: as Npgsql has it (<c>Host=...;Username=...;Password=...;Database=...</c>) or as a URI
/// (<c>postgresql://user:password@host:port/database</c>). What it says of time limits, keepalives and pools comes before our own.
/// </summary>
static class PostgresSettings
{
    private const string Forms =
        "write 'Host=HOST;Username=USER;Password=PASSWORD;Database=NAME' or 'postgresql://USER:PASSWORD@HOST:PORT/NAME'";

    /// <exception cref="ArgumentException">The text is neither. The message repeats nothing of it: a part that is at fault may be one of a password.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string text)
    {
        var settings = Defaults();
        try
        {
            foreach (var (keyword, value) in PostgresUri.IsOne(text) ? PostgresUri.Parse(text) : Pairs(text))
                settings[keyword] = value;
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or OverflowException or KeyNotFoundException)
        {
            throw new ArgumentException(
                error is PostgresUriException fault ? $"The URI of the database {fault.Message}." : $"The text given for the database can't be read; {Forms}.");
        }
        if (string.IsNullOrEmpty(settings.Host))
            throw new ArgumentException($"The text given for the database names no host; {Forms}.");
        settings.SearchPath = PostgresDatabase.SchemaName;
        // A connection whose other end is gone is noticed before it is needed. Unix sockets (a path, or an abstract name) know no such thing.
        if (settings.TcpKeepAliveTime == 0 && !settings.Host.StartsWith('/') && !settings.Host.StartsWith('@'))
            (settings.TcpKeepAlive, settings.TcpKeepAliveTime, settings.TcpKeepAliveInterval) = (true, 10, 3);
        return settings;
    }

    // A gateway that waits longer for its database than its clients wait for it serves nobody. Three gateways with 20 connections each stay below
    // the 100 that a server takes by default.
    private static NpgsqlConnectionStringBuilder Defaults() => new()
    {
        ApplicationName = "formation",
        Timeout = 5,
        CommandTimeout = 5,
        MaxPoolSize = 20,
        Enlist = false,
        GssEncryptionMode = GssEncryptionMode.Disable,
    };

    private static IEnumerable<(string Keyword, string Value)> Pairs(string text)
    {
        var pairs = new DbConnectionStringBuilder { ConnectionString = text };
        return [.. pairs.Keys.Cast<string>().Select(keyword => (keyword, (string)pairs[keyword]))];
    }
}
