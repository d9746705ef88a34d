using System.Collections.Concurrent;
using System.Diagnostics;

namespace Formation.Inference.Testing.Databases;

/// <summary>
/// A pooler of Debian's package pgbouncer in front of a PostgreSQL of the tests, with two connections to it for each database: it lends them for a
/// transaction at a time.
/// </summary>
public sealed class PgBouncer : IDisposable
{
    private const string Program = "/usr/sbin/pgbouncer";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // As with PostgreSQL itself: it ends with the tests, in whatever way they end.
    private const string Keeper =
        """
        "$1" "$2/pgbouncer.ini" &
        server=$!
        read -r word
        kill -TERM $server
        wait $server
        rm -rf "$2"
        """;

    private readonly string _folder;
    private readonly Process _keeper;

    /// <param name="server">What it stands in front of.</param>
    /// <param name="mode">For how long it lends a connection: <c>transaction</c> or <c>session</c>.</param>
    /// <param name="more">Further lines of its settings.</param>
    public PgBouncer(PostgresServer server, string mode, string more = "")
    {
        _folder = PostgresUser.Run("mktemp", "-d", "/tmp/formation-pgbouncer-XXXXXX").Trim();
        var settings = $"""
            [databases]
            * = host={server.Host}
            [pgbouncer]
            unix_socket_dir = {_folder}
            listen_port = 6432
            pool_mode = {mode}
            default_pool_size = 2
            max_client_conn = 100
            auth_type = scram-sha-256
            auth_file = {_folder}/users
            {more}

            """;
        PostgresUser.Run(
            "sh", "-c", "umask 077 && printf %s \"$2\" >\"$1/pgbouncer.ini\" && printf '\"%s\" \"%s\"\\n' \"$3\" \"$4\" >\"$1/users\"",
            "sh", _folder, settings, PostgresServer.User, PostgresServer.Password);
        _keeper = Process.Start(PostgresUser.Command("sh", "-c", Keeper, "sh", Program, _folder))!;
        var said = new ConcurrentQueue<string>();
        using var ready = new ManualResetEventSlim();
        _keeper.ErrorDataReceived += (_, line) =>
        {
            said.Enqueue(line.Data ?? "");
            if (line.Data is null || line.Data.Contains("process up", StringComparison.Ordinal) || line.Data.Contains("FATAL", StringComparison.Ordinal))
                ready.Set();
        };
        _keeper.OutputDataReceived += (_, _) => { };
        _keeper.BeginErrorReadLine();
        _keeper.BeginOutputReadLine();
        if (!ready.Wait(Patience) || !said.Any(line => line.Contains("process up", StringComparison.Ordinal)))
            throw new InvalidOperationException($"pgbouncer does not start: {string.Join('\n', said)}");
    }

    /// <summary>Whether the program is on this machine.</summary>
    public static bool IsInstalled => File.Exists(Program);

    /// <summary>The way to a database through it.</summary>
    public string ConnectionString(PostgresTestDatabase database) =>
        $"{new System.Data.Common.DbConnectionStringBuilder { ConnectionString = database.ConnectionString, ["Host"] = _folder, ["Port"] = "6432" }}";

    public void Dispose()
    {
        _keeper.StandardInput.WriteLine("end");
        _keeper.StandardInput.Close();
        if (!_keeper.WaitForExit(Patience))
            throw new TimeoutException("pgbouncer does not end.");
        _keeper.Dispose();
    }
}
