namespace Formation.Inference.Engine.Templates;

/// <summary>The variables of a template, loop body, macro or block; what is not here is looked up in the scope around it.</summary>
internal sealed class Scope(Scope? parent)
{
    readonly Dictionary<string, TemplateValue> _variables = new(StringComparer.Ordinal);

    public TemplateValue? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._variables.TryGetValue(name, out var value))
                return value;
        }
        return null;
    }

    public void Set(string name, TemplateValue value) => _variables[name] = value;

    Scope? Parent => parent;
}
