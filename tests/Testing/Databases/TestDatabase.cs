using Formation.Inference.Storage;

namespace Formation.Inference.Testing.Databases;

/// <summary>An empty database of one test's own.</summary>
public abstract class TestDatabase : IDisposable
{
    private readonly List<Database> _opened = [];

    /// <summary>Opens it as one more process would; all are closed with the test.</summary>
    public Database Open()
    {
        var database = Connect();
        lock (_opened)
            _opened.Add(database);
        return database;
    }

    public virtual void Dispose() => _opened.ForEach(database => database.Dispose());

    private protected abstract Database Connect();
}
