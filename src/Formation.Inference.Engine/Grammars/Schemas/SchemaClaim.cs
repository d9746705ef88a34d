namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>What a <see cref="SchemaPlace"/> says of a value.</summary>
internal enum SchemaClaim
{
    /// <summary>It satisfies the schema.</summary>
    Holds,

    /// <summary>It does not satisfy the schema.</summary>
    Fails,

    /// <summary>It does not satisfy the one keyword that stands here.</summary>
    FailsKeyword,

    /// <summary>If it is an object, it has no property of a name.</summary>
    Lacks,

    /// <summary>If it is an object, it has all properties of a list, or the one of a name.</summary>
    Has,

    /// <summary>It has a property of a name, whose value does not satisfy the schema.</summary>
    Misfits,
}
