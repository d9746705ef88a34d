using Formation.Inference.Engine.Serving;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cli.Hosting;

/// <summary>
/// Keeps the pool's models equal to the sources: at start, and each time <c>form models add</c> or <c>remove</c> changes the registered ones. Ids of one
/// file share one load.
/// </summary>
sealed partial class ServedModels(ServeSettings settings, ModelPool pool, TimeProvider time, ILogger<ServedModels> logger)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    // What the pool was told: the path behind each id.
    private readonly SortedDictionary<string, string> _served = new(StringComparer.Ordinal);
    private readonly DraftAssignments _drafts = DraftAssignments.Parse(settings.DraftModels, settings.Models);
    private readonly Lock _lock = new();
    private DateTime _registeredAt;

    /// <summary>The model that is loaded at start: <see cref="ModelSources.DefaultModelId"/> where it is served, else the first.</summary>
    public string First => _served.ContainsKey(ModelSources.DefaultModelId) ? ModelSources.DefaultModelId : _served.Keys.First();

    /// <summary>The file behind an id, or null where it is not served. Safe from any thread.</summary>
    public string? PathOf(string id)
    {
        lock (_lock)
            return _served.GetValueOrDefault(id);
    }

    /// <summary>Adds all models.</summary>
    /// <exception cref="CommandException">There is none, or a named one does not exist.</exception>
    public void Start()
    {
        Synchronise();
        if (_served.Count == 0)
            throw new CommandException(ExitCode.NotFound, "There is no model to serve; give --model ID=PATH or --models DIR.");
    }

    /// <summary>Follows the registered models until cancelled.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(PollInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
                if (WrittenAt() != _registeredAt)
                    Refresh();
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    // A damaged list or a vanished file must not take down a server that runs; what was served stays.
    private void Refresh()
    {
        try
        {
            Synchronise();
        }
        catch (CommandException error)
        {
            _registeredAt = WrittenAt();
            LogNotRefreshed(error.Message);
        }
    }

    private void Synchronise()
    {
        _registeredAt = WrittenAt();
        var sources = ModelSources.Find(RegisteredModels.Load(settings.DataFolder).Paths, settings.ModelsFolder, settings.Models);
        lock (_lock)
        {
            foreach (var (id, path) in _served.ToList())
                if (!sources.Any(source => source.Id == id && source.Path == path))
                    Remove(id);
            foreach (var source in sources)
                if (!_served.ContainsKey(source.Id) && Add(source, sources))
                    _served[source.Id] = source.Path;
        }
    }

    private bool Add(Cli.Hosting.ModelSource source, IReadOnlyList<Cli.Hosting.ModelSource> all)
    {
        // Aliases follow a model's own id, so the pool has a model for each file and an alias for each further id.
        var owner = _served.Where(served => served.Value == source.Path).Select(served => served.Key).FirstOrDefault(id => !pool.IsAlias(id));
        if (owner is not null)
            return pool.SetAlias(source.Id, owner);
        var draft = _drafts.Find(all.Where(other => other.Path == source.Path).Select(other => other.Id));
        return pool.Add(source.Id, new Engine.Serving.ModelSource(source.Path) { DraftPath = draft }, File.GetLastWriteTimeUtc(source.Path));
    }

    // Aliases of a model that goes are forgotten here too, so that the next pass adds them anew.
    private void Remove(string id)
    {
        var path = _served[id];
        var isAlias = pool.IsAlias(id);
        if (isAlias)
            pool.RemoveAlias(id);
        else
            pool.Remove(id);
        _served.Remove(id);
        if (isAlias)
            return;
        foreach (var other in _served.Where(served => served.Value == path).Select(served => served.Key).ToList())
            _served.Remove(other);
    }

    private DateTime WrittenAt() => File.GetLastWriteTimeUtc(Path.Combine(settings.DataFolder, RegisteredModels.FileName));

    [LoggerMessage(Level = LogLevel.Warning, Message = "The registered models changed and can't be used; what was served stays. {Reason}")]
    private partial void LogNotRefreshed(string reason);
}
